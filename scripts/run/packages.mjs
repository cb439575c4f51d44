/** Modules of packages are loaded as they are. */
import { readFileSync } from "node:fs";

/** @returns what a `load` hook returns, or undefined for what is no module of a package. */
export function asItIs(url, format) {
  if (format !== "module" || !url.startsWith("file:") || !/\/node_modules\/.*\.m?js$/.test(url)) return undefined;
  return { format, source: readFileSync(new URL(url)), shortCircuit: true };
}

/** The hook for Node without `registerHooks`, in its thread of loaders. */
export const load = async (url, context, next) => asItIs(url, context.format) ?? next(url, context);
