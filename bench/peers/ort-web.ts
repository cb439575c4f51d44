/** onnxruntime-web: its wasm backend. */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import * as ort from "onnxruntime-web";
import { ortLibrary } from "./ort.ts";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

// The package has had modules without SIMD; one of them here would make the comparison worthless.
const folder = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
const modules = readdirSync(folder).filter((f) => f.endsWith(".wasm"));
if (modules.length === 0 || modules.some((f) => !f.includes("simd"))) throw new Error("modules without SIMD");

export const ortWeb = ortLibrary("ort-web", "peer", ort, { executionProviders: ["wasm"] });
