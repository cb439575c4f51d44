/**
 * TypeScript from source, by tsx, but packages as they are: `node --import ./scripts/run/typescript.mjs examples/start.ts`. tsx looks
 * through every module for dynamic imports, which takes 7 seconds for the 15 MB of Binaryen.
 */
import "tsx";
import * as hooks from "node:module";
import { asItIs } from "./packages.mjs";

// what is registered last is asked first
if (hooks.registerHooks)
  hooks.registerHooks({ load: (url, context, next) => asItIs(url, context.format) ?? next(url, context) });
else hooks.register("./packages.mjs", import.meta.url);
