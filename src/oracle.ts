/** `tilewright/oracle`: slow, obvious and right: `evaluate` from expressions, `interpret` for any stage of the IR. */
export * from "./reference/index.ts";
