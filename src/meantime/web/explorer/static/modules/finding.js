/**
 * Finding names by words, and a view: "obesity women ohio" is a question, a group of people and a place.
 */

// Words that people use, and what the questions of health surveys say instead.
const ALSO_CALLED = {
  alcohol: ["drinking", "drinks"], cancer: ["screening", "mammogram"], cigarettes: ["smok", "tobacco"], diet: ["fruit", "vegetable"],
  dental: ["dentist", "teeth"], drinking: ["alcohol", "soda"], exercise: ["physical activity", "leisure-time"], fat: ["obes", "overweight"],
  fitness: ["physical activity", "muscle"], food: ["fruit", "vegetable"], inactive: ["no leisure-time"], inactivity: ["no leisure-time"],
  nutrition: ["fruit", "vegetable"], obese: ["obes"], pressure: ["hypertension"], smoking: ["smok", "tobacco"], sport: ["physical activity"],
  sports: ["physical activity"], tobacco: ["smok", "cigarette"], vegetables: ["vegetable"], weight: ["obes", "overweight"],
};
// Words for groups, and the names of strata.
const PEOPLE = { women: ["female", "women"], woman: ["female", "women"], men: ["male", "men"], man: ["male", "men"], everyone: ["overall", "total"], everybody: ["overall", "total"] };

const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

/** The items whose name has all the words of a search. */
export function matching(items, search, nameOf) {
  const words = wordsOf(search);
  if (words.length === 0) return items;
  return items.filter((item) => {
    const name = nameOf(item).toLowerCase();
    return words.every((word) => name.includes(word));
  });
}

/**
 * What a text says about a data set: the group and the place that it names, and the words that are left for the question.
 * @returns {{words: string[], group: {category: string, stratum: string} | null, place: string | null}}
 */
export function understood(text, { categories, locations }) {
  let rest = ` ${wordsOf(text).join(" ")} `;
  const take = (name) => {
    if (!rest.includes(` ${name} `)) return false;
    rest = rest.replace(` ${name} `, " ");
    return true;
  };
  // The longest name first: "West Virginia" is not Virginia.
  const names = locations.map((each) => each.name).toSorted((one, other) => other.length - one.length);
  const place = names.find((name) => take(name.toLowerCase())) ?? null;
  const strata = categories.flatMap(({ name, strata: all }) => all.map((stratum) => ({ category: name, stratum })));
  let group = strata.find(({ stratum }) => take(stratum.toLowerCase())) ?? null;
  for (const [word, called] of Object.entries(PEOPLE)) {
    const meant = group === null && rest.includes(` ${word} `) && strata.find(({ stratum }) => called.includes(stratum.toLowerCase()));
    if (meant && take(word)) group = meant;
  }
  return { words: rest.split(" ").filter(Boolean), group, place };
}

/** How well a question fits words, or what is also called so: 2 by its own text, 1 with its topic, 0 not at all. */
export function fit(question, words) {
  const isSaidIn = (text) => words.every((word) => [word, ...(ALSO_CALLED[word] ?? [])].some((each) => text.toLowerCase().includes(each)));
  const own = `${question.title ?? ""} ${question.text}`;
  if (isSaidIn(own)) return 2;
  return isSaidIn(`${own} ${question.topic}`) ? 1 : 0;
}
