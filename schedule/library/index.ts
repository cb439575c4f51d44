/** Recipes: repeated idioms, built from nothing but the public primitives. */
export { type TwoLevelOptions, twoLevelReduction, type VectorReduction, vectorizeReduction } from "./reduce.ts";
export { type AnySchedule, type BlockPlace, blockAt, contiguousLoop, feeds } from "./structure.ts";
export { type PackOptions, pack, registerTile, type TileLoops, type TileOptions, type Tiles } from "./tile.ts";
export { type UnrollOptions, unrollAndVectorize } from "./vectorize.ts";
export { slidingWindow, type WindowOptions } from "./window.ts";
