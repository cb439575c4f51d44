/** Two ways of computing the same disagree. */
export class Mismatch extends Error {
  override name = "Mismatch";
}
