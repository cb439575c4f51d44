/** The operators that no other group times, each in one size or a few. */
import type { Case } from "./case.ts";
import { movement } from "./operators/movement.ts";
import { products } from "./operators/products.ts";
import { caseOf } from "./operators/table.ts";
import { values } from "./operators/values.ts";

export const operatorCases: readonly Case[] = [...products, ...movement, ...values].map(caseOf);
