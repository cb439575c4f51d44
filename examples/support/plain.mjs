// Runs a module built by this project with nothing but the WebAssembly API: node examples/support/plain.mjs gemm.wasm
import { readFileSync } from "node:fs";

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const abi = JSON.parse(new TextDecoder().decode(WebAssembly.Module.customSections(module, "tilewright")[0]));
const { memory, heap, [abi.name]: run } = new WebAssembly.Instance(module).exports;
let top = heap.value; // buffers go wherever the caller likes: here one after another, from the first free byte
const place = (bytes) => ((top += bytes), (top - bytes + 15) & -16);
const sizes = abi.params.map((p) => (p.role === "scratch" ? abi.scratch : p.shape.reduce((a, n) => a * n, 4)) + 16);
const pointers = sizes.map(place);
memory.grow(Math.ceil((top - memory.buffer.byteLength) / 65536));
for (const [i, p] of abi.params.entries()) if (p.role === "input") new Float32Array(memory.buffer, pointers[i], sizes[i] / 4 - 4).fill(0.5);
run(...pointers);
const at = abi.params.findIndex((p) => p.role === "output");
console.log(abi.params[at].name, new Float32Array(memory.buffer, pointers[at], 4));
