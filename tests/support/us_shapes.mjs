// Makes src/meantime/dataset/facts/shapes/us.json: the outlines of the states and territories of the United States.
//
//   mkdir /tmp/shapes && cd /tmp/shapes
//   npm install us-atlas@3.0.1 d3-geo@3.1.2 topojson-client@3.1.0 topojson-simplify@3.0.3
//   cp .../tests/support/us_shapes.mjs . && node us_shapes.mjs > .../src/meantime/dataset/facts/shapes/us.json
//
// us-atlas (ISC license) has the cartographic boundaries of the U.S. Census Bureau, 2017, which are in the public domain.
import { readFileSync } from "node:fs";
import { geoMercator, geoPath } from "d3-geo";
import { feature } from "topojson-client";
import { filter, filterWeight, presimplify, simplify } from "topojson-simplify";

const read = (name) => JSON.parse(readFileSync(`node_modules/us-atlas/${name}.json`, "utf8"));
// Square pixels on a map 975 wide, as the package has projected it (Albers, Alaska and Hawaii moved).
const LEAST_CORNER = 0.6;
const LEAST_ISLAND = 3;
// A place with so much room has its label on it.
const LEAST_LABELLED = 1500;
const [WIDTH, HEIGHT] = [975, 690];
const INSETS = { 72: "Puerto Rico", 78: "Virgin Islands", 66: "Guam", 69: "Northern Mariana Islands", 60: "American Samoa" };
const [INSET_TOP, INSET_WIDE, INSET_HIGH] = [618, 84, 50];

let states = presimplify(read("states-albers-10m"));
states = filter(simplify(states, LEAST_CORNER), filterWeight(states, LEAST_ISLAND));
const rounded = (part) => (typeof part === "number" ? Math.round(part * 10) / 10 : part.map(rounded));
const plain = ({ type, coordinates }) => ({ type, coordinates: rounded(coordinates) });
const largest = ({ type, coordinates }) => {
  const all = (type === "Polygon" ? [coordinates] : coordinates).map((each) => ({ type: "Polygon", coordinates: each }));
  return all.sort((one, other) => geoPath().area(other) - geoPath().area(one))[0];
};

const places = {};
for (const { properties, geometry, id } of feature(states, states.objects.states).features) {
  if (!geometry || id in INSETS) continue;
  const main = largest(geometry);
  const has_label = geoPath().area(main) >= LEAST_LABELLED;
  places[properties.name] = { shape: plain(geometry), label: rounded(geoPath().centroid(main)), has_label };
}
const world = read("states-10m");
Object.entries(INSETS).forEach(([id, name], index) => {
  const { geometry } = feature(world, world.objects.states).features.find((each) => each.id === id);
  const left = WIDTH - (Object.keys(INSETS).length - index) * (INSET_WIDE + 12);
  const box = [[left, INSET_TOP], [left + INSET_WIDE, INSET_TOP + INSET_HIGH]];
  // Larger than its box allows would be another place.
  const project = geoMercator().fitExtent([[left + 6, INSET_TOP + 6], [left + INSET_WIDE - 6, INSET_TOP + INSET_HIGH - 6]], { type: "Feature", geometry });
  const projected = (part) => (typeof part[0] === "number" ? project(part) : part.map(projected));
  const thin = (ring) => ring.filter((_, at) => at % Math.ceil(ring.length / 60) === 0 || at === ring.length - 1);
  const rings = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const coordinates = projected(rings).map((polygon) => polygon.map(thin));
  places[name] = { shape: plain({ type: "MultiPolygon", coordinates }), label: [left + INSET_WIDE / 2, INSET_TOP + INSET_HIGH + 10], has_label: true, inset: box.flat() };
});
const sorted = Object.fromEntries(Object.entries(places).sort(([one], [other]) => (one < other ? -1 : 1)));
const source = "us-atlas 3.0.1 (ISC license): cartographic boundaries of the U.S. Census Bureau, 2017";
process.stdout.write(`${JSON.stringify({ name: "United States", source, width: WIDTH, height: HEIGHT, places: sorted })}\n`);
