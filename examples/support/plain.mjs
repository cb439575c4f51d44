// Runs a module built by this project with nothing but the WebAssembly API: node examples/support/plain.mjs gemm.wasm
import { readFileSync } from "node:fs";

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const abi = JSON.parse(new TextDecoder().decode(WebAssembly.Module.customSections(module, "tilewright")[0]));
const { memory, heap, [abi.name]: run } = new WebAssembly.Instance(module).exports;
// Buffers go wherever the caller likes: here one after another, from the first free byte.
const lengths = abi.params.map((p) => (p.role === "scratch" ? abi.scratch / 4 : p.shape.reduce((a, n) => a * n, 1)));
const pointers = lengths.map((_, i) => lengths.slice(0, i).reduce((at, n) => at + Math.ceil(n / 4) * 16, heap.value));
memory.grow(Math.ceil((pointers.at(-1) + abi.scratch) / 65536));
const at = (i, n = lengths[i]) => new Float32Array(memory.buffer, pointers[i], n);
for (const [i, p] of abi.params.entries()) if (p.role === "input") at(i).fill(0.5);
run(...pointers);
const result = abi.params.findIndex((p) => p.role === "output");
console.log(abi.params[result].name, at(result, 4));
