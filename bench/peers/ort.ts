/** ONNX Runtime, in any of its packages: one session per model, its answer in a place of its own. */
import type { Data } from "../data.ts";
import { NAMES } from "../onnx.ts";
import type { Work } from "../work/index.ts";
import { modelOf } from "./onnx.ts";
import type { Library, Peer } from "./peer.ts";

/** What this needs of `onnxruntime-web` and `onnxruntime-node`. */
interface Ort<T> {
  readonly Tensor: {
    new (type: "float32", data: Float32Array, dims: readonly number[]): T;
    new (type: "int32", data: Int32Array, dims: readonly number[]): T;
  };
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<Session<T>>;
  };
}
interface Session<T> {
  run(feeds: Readonly<Record<string, T>>, fetches?: Readonly<Record<string, T>>): Promise<Readonly<Record<string, T>>>;
  release(): Promise<void>;
}

export function ortLibrary<T extends { readonly data: unknown; readonly dims: readonly number[] }>(
  name: string,
  kind: Peer["kind"],
  ort: Ort<T>,
  options: object,
): Library {
  const tensor = ({ data, shape, dtype }: Data): T => {
    if (data instanceof Float32Array) return new ort.Tensor(NAMES.f32, data, shape);
    if (data instanceof Int32Array) return new ort.Tensor(NAMES.i32, data, shape);
    throw new Error(`no tensors of ${dtype}`);
  };
  return {
    name,
    async peer(work: Work) {
      const model = modelOf(work);
      if (model === undefined) return undefined;
      const session = await ort.InferenceSession.create(model.bytes, { ...options, graphOptimizationLevel: "all" });
      const feeds = Object.fromEntries([...model.feeds].map(([n, x]) => [n, tensor(x)]));
      const once = async (): Promise<Data> => {
        const y = (await session.run(feeds))[model.result]!;
        return { dtype: "f32", shape: y.dims, data: y.data as Float32Array };
      };
      // A place for the answer that is there before the call saves an allocation in every call.
      const { shape } = await once();
      const fetches = { [model.result]: tensor({ dtype: "f32", shape, data: new Float32Array(work.length) }) };
      return {
        ...{ name: model.note === undefined ? name : `${name} (${model.note})`, kind, direct: true },
        run: () => session.run(feeds, fetches),
        result: async () => model.answer(await once()),
        dispose: () => void session.release(),
      };
    },
  };
}
