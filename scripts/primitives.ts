/** Writes docs/primitives.md, the page that is made from the docstrings of the primitives: `npm run primitives`. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { primitivesPage } from "./primitives/page.ts";

writeFileSync(fileURLToPath(new URL("../docs/primitives.md", import.meta.url)), primitivesPage());
