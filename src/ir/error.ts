/** The base of every error this package throws on purpose: `code` is stable and meant for programs, `message` for people. */
export class TilewrightError extends Error {
  override name = "TilewrightError";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
