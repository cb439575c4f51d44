/** Recipes: repeated idioms, built from nothing but the public primitives. */
export { type AnySchedule, type BlockPlace, blockAt, contiguousLoop, feeds } from "./structure.ts";
export { pack, registerTile, type TileLoops, type TileOptions, type Tiles } from "./tile.ts";
export { type UnrollOptions, unrollAndVectorize } from "./vectorize.ts";
