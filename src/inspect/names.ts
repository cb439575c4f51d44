/** Names as the printer gives them, for whoever speaks of loops and buffers: of two of one name, the second is `k_1`. */
import { type Func, Names, printFunc } from "../ir/index.ts";

const known = new WeakMap<Func, Names>();
/** Names as they stand in a function printed as a whole. */
export function namesOf(f: Func): Names {
  const old = known.get(f);
  if (old) return old;
  const names = new Names();
  printFunc(f, { names });
  known.set(f, names);
  return names;
}
