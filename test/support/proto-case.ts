import type { DescMessage, JsonObject } from '@bufbuild/protobuf';

/** What differs from the valid message, field by field in JSON form; undefined takes a field away. */
export type Difference = { readonly [field: string]: JsonObject[string] | undefined };

/** What must not pass: why, difference, and each expected violation as "path rule-id". */
export type BadCases = readonly (readonly [why: string, difference: Difference, ...violations: string[]])[];

/** One message with what must and what must not pass validation. */
export type ProtoCase = {
  readonly schema: DescMessage;
  /** Passes as it is. */
  readonly valid: JsonObject;
  /** Pass with these differences: why, difference. */
  readonly good?: readonly (readonly [why: string, difference: Difference])[];
  /** Fail with these differences. */
  readonly bad?: BadCases;
};
