/** ONNX Runtime, in any of its packages: one session per model, its answer in a place of its own. */
import type { Work } from "../work/index.ts";
import { modelOf } from "./onnx.ts";
import type { Library, Peer } from "./peer.ts";

/** What this needs of `onnxruntime-web` and `onnxruntime-node`. */
interface Ort<T> {
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => T;
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<Session<T>>;
  };
}
interface Session<T> {
  run(feeds: Readonly<Record<string, T>>, fetches?: Readonly<Record<string, T>>): Promise<Readonly<Record<string, T>>>;
  release(): Promise<void>;
}

export function ortLibrary<T extends { readonly data: unknown }>(
  name: string,
  kind: Peer["kind"],
  ort: Ort<T>,
  options: object,
): Library {
  return {
    name,
    async peer(work: Work) {
      const model = modelOf(work);
      if (model === undefined) return undefined;
      const session = await ort.InferenceSession.create(model.bytes, { ...options, graphOptimizationLevel: "all" });
      const tensor = (data: Float32Array, dims: readonly number[]): T => new ort.Tensor("float32", data, dims);
      const feeds = Object.fromEntries(model.feeds.map((f) => [f.name, tensor(f.data, f.dims)]));
      // A place for the answer that is there before the call saves an allocation in every call.
      const fetches = { Y: tensor(new Float32Array(work.length), model.dims) };
      return {
        ...{ name: model.note === undefined ? name : `${name} (${model.note})`, kind, direct: true },
        run: () => session.run(feeds, fetches),
        async result() {
          const { Y } = await session.run(feeds);
          return model.answer(Y!.data as Float32Array);
        },
        dispose: () => void session.release(),
      };
    },
  };
}
