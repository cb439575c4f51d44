import { it } from "vitest";
import { DTYPES, OP_NAMES } from "../../src/ir/index.ts";
import { cascade, emit, expectTail, expectValues, kernelOf } from "./kernel.ts";

it("survey", async () => {
  void cascade;
  let count = 0;
  for (const op of ["where", "select", "exp"] as const)
    for (const d of DTYPES) {
      const k = kernelOf(op, d);
      if (!k) continue;
      for (const form of ["guard", "symbolic"] as const) {
        count++;
        try {
          const e = await emit(k, form);
          const c = new Map<string, number>();
          for (const x of e.scalar) c.set(x, (c.get(x) ?? 0) + 1);
          if (c.size) console.log(k.name, form, [...c].map(([a, b]) => `${a}*${b}`).join(" "));
          try {
            expectTail(k, form, e);
          } catch (x) {
            console.log("TAIL", k.name, form, JSON.stringify(e.tail));
          }
          try {
            expectValues(k, form, e);
          } catch (x) {
            console.log("VALUE", String((x as Error).message).slice(0, 200));
          }
        } catch (x) {
          console.log("ERR", k.name, form, String((x as Error).message).slice(0, 300));
        }
      }
    }
  console.log(count);
}, 200000);
