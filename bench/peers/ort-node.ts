/** Native ONNX Runtime on one thread, with the widest vectors the machine has: how far away native code is. */
import * as ort from "onnxruntime-node";
import { ortLibrary } from "./ort.ts";

export const ortNative = ortLibrary("ort native", "far", ort, {
  executionProviders: ["cpu"],
  ...{ intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: "sequential", logSeverityLevel: 3 },
});
