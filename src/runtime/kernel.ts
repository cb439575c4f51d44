/** From a built module to a function: choosing the variant, instantiating, and the way of a call. */
import { type Arena, isArena } from "./arena.ts";
import { Call, type Plan, planOf } from "./check.ts";
import { asOwnClass, elementBytes, newArray, viewAt } from "./dtypes.ts";
import { ModuleError, show, wrongOptions } from "./errors.ts";
import { bytesOf, importMemory, readAbi } from "./module.ts";
import { alignUp, OwnMemory, type Place, type Room } from "./place.ts";
import { extentOf } from "./size.ts";
import type { AnyArgs, AnyArray, AnyResult, Bytes, Kernel, Loadable, LoadOptions } from "./types.ts";

/**
 * Makes a kernel of an artifact or of a module's bytes, in the best variant that this engine accepts.
 *
 *     const gemm = await load(await readFile("gemm.wasm"));
 *     const c = gemm({ A: a, B: b });
 *
 * Throws `ModuleError` for bytes that are not a built module, or that the engine does not accept.
 */
export async function load<I = AnyArgs, O = AnyResult>(
  source: Loadable | Bytes,
  options: LoadOptions = {},
): Promise<Kernel<I, O>> {
  const { arena } = options ?? {};
  const wrong =
    wrongOptions(options, ["arena"]) ||
    (arena === undefined || isArena(arena) ? "" : `arena is ${show(arena)}, not of arena()`);
  if (wrong) throw new ModuleError(`load: ${wrong}`);
  const artifact: Loadable = (source as Loadable | undefined)?.wasm ? (source as Loadable) : { wasm: source as Bytes };
  const relaxed = artifact.variants?.relaxed;
  const variant = relaxed && WebAssembly.validate(bytesOf(relaxed) as BufferSource) ? "relaxed" : "plain";
  const bytes = bytesOf(variant === "relaxed" ? relaxed! : artifact.wasm);
  const abi = readAbi(bytes);
  const module = await compileModule(abi.name, arena ? importFrom(bytes, arena) : bytes);
  const { exports } = await WebAssembly.instantiate(module, arena ? { env: { memory: arena.memory } } : {});
  const run = exports[abi.name];
  if (typeof run !== "function") throw new ModuleError(`the module exports no function ${abi.name}`);
  const place = arena ?? ownPlace(exports);
  if (arena && typeof abi.scratch === "number") arena.leaveRoom(abi.scratch);
  const plan = planOf(abi);
  const step = abi.prepare && planOf(abi.prepare);
  /** Runs the preparation step; `room` takes what is reserved for its results. Returns where they are. */
  const once = (constants: unknown, room: Room[]): Kept => {
    if (!step) throw new ModuleError(`${abi.name} has no constant inputs to prepare`);
    const kept = step.abi.params.flatMap((p) => {
      if (p.role !== "prepared") return [];
      room.unshift(place.keep(extentOf(p, {}).least * elementBytes(p.dtype)));
      return [room[0]!.address];
    });
    runCall(step, place, exports[step.abi.name] as RawFunction, constants, {}, kept);
    return kept;
  };
  const kernel = (kept?: Kept): Kernel<I, O> => {
    const f = (args: I, more: { readonly into?: O } = {}): O => {
      const go = (given: unknown, at: Kept): O => runCall(plan, place, run as RawFunction, given, more, at) as O;
      // what is no record is told by the check of the call
      if (kept || !step || Object(args) !== args) return go(args, kept ?? []);
      const constants = Object.create(null);
      const rest = Object.create(null);
      for (const [name, v] of Object.entries(args as object)) (step.position.has(name) ? constants : rest)[name] = v;
      const room: Room[] = [];
      try {
        return go(rest, once(constants, room));
      } finally {
        release(room);
      }
    };
    const prepare = (constants: AnyArgs) => {
      const room: Room[] = [];
      try {
        return kernel(once(constants, room)) as Kernel<Partial<I>, O>;
      } catch (e) {
        release(room);
        throw e;
      }
    };
    Object.defineProperty(f, "name", { value: abi.name });
    return Object.assign(f, { abi, variant, memory: place.memory, raw: exports, prepare } as const);
  };
  return kernel();
}

/** Addresses of what was prepared, in the order of the parameters. */
type Kept = readonly number[];
const release = (room: readonly Room[]): void => {
  for (const r of room) r.free();
};

type RawFunction = (...args: (number | bigint)[]) => void;

const importFrom = (bytes: Uint8Array, arena: Arena): Uint8Array =>
  importMemory(bytes, { initial: 0, ...(arena.shared ? { shared: true, maximum: arena.max / 65536 } : {}) });

async function compileModule(name: string, bytes: Uint8Array): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes as BufferSource);
  } catch (e) {
    throw new ModuleError(`this engine does not accept the module ${name} (does it have WebAssembly SIMD?): ${e}`);
  }
}
function ownPlace(exports: WebAssembly.Exports): Place {
  const { memory, heap } = exports;
  if (!(memory instanceof WebAssembly.Memory && heap instanceof WebAssembly.Global))
    throw new ModuleError("the module exports no memory or no global heap");
  return new OwnMemory(memory, Number(heap.value));
}

function runCall(plan: Plan, place: Place, run: RawFunction, args: unknown, options: unknown, kept: Kept): AnyResult {
  const call = new Call(plan, place, args, options);
  const { params } = plan.abi;
  // Staging: one block for everything that is not in the kernel's memory, scratch included.
  let total = 0;
  let used = 0;
  const raw: (number | bigint)[] = params.map((p, i) => {
    if (p.role === "size" || p.role === "scalar") return call.values[i]!;
    if (p.role === "prepared") return kept[used++]!;
    if (call.addresses[i]! >= 0) return call.addresses[i]!;
    const at = total;
    total += alignUp(p.role === "scratch" ? call.scratch : call.lengths[i]! * elementBytes(p.dtype));
    return at;
  });
  const base = total > 0 ? place.stage(total, plan.abi.name) : 0;
  // only now, because staging may have grown the memory
  const { buffer } = place.memory;
  const staged: (AnyArray | undefined)[] = [];
  params.forEach((p, i) => {
    if (p.role === "size" || p.role === "scalar" || p.role === "prepared" || call.addresses[i]! >= 0) return;
    raw[i] = base + Number(raw[i]);
    if (p.role === "scratch") return;
    const view = viewAt(p.dtype, buffer, raw[i] as number, call.lengths[i]!);
    staged[i] = view;
    const array = call.arrays[i];
    if (p.role === "input") copy(view, asOwnClass(p.dtype, array!));
    // a strided result leaves gaps, which must come back as they were
    else if (p.strides && array) copy(view, asOwnClass(p.dtype, array));
    else if (p.strides) new Uint8Array(buffer, view.byteOffset, view.byteLength).fill(0);
  });
  run(...raw);
  const results: [string, AnyArray][] = [];
  let result: AnyArray | undefined;
  params.forEach((p, i) => {
    if (p.role !== "output") return;
    result = call.arrays[i] ?? newArray(p.dtype, call.lengths[i]!);
    if (staged[i]) copy(asOwnClass(p.dtype, result), staged[i]);
    results.push([p.name, result]);
  });
  // as data properties: a result may be called __proto__
  return plan.record ? Object.fromEntries(results) : result!;
}
/** Both arrays are of one class and length. */
const copy = (to: AnyArray, from: AnyArray): void => (to as Uint8Array).set(from as Uint8Array);
