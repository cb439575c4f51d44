/** The machine's limit, kernel by kernel: `npm run limit`. */
import { measureLimit } from "../src/driver/limit.ts";

const limit = await measureLimit({ rounds: 15 });
console.log(`node ${process.version}`);
for (const k of limit.kernels) console.log(`  ${k.name.padEnd(18)} ${k.gflops.toFixed(1).padStart(6)} GFLOP/s`);
console.log(`limit: ${limit.gflops.toFixed(1)} GFLOP/s (${limit.best})`);
