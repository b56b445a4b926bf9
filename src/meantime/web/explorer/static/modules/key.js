/**
 * The reader's key, where the server needs one: kept in this tab until it is closed, and sent with every request.
 */

const NAME = "meantime-key";

/** The key, or null. */
export function currentKey() {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null; // embedded in a page whose browser allows it no storage
  }
}

/** Keep a key, or with null forget it. */
export function keepKey(key) {
  try {
    if (key === null) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, key);
  } catch {
    // As above: the key is asked for again.
  }
}

/** The header of a request. */
export function keyHeader() {
  const key = currentKey();
  return key ? { authorization: `Bearer ${key}` } : {};
}
