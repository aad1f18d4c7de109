import { fromBinary, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import { describe, expect, test } from 'vitest';
import { loadGeneratedFiles } from '../support/generated-files.ts';
import type { Difference, ProtoCase } from '../support/proto-case.ts';
import { RESERVATION_CASES } from '../support/proto-cases-reservation.ts';
import { SERVICE_CASES } from '../support/proto-cases-service.ts';
import { WMS_CASES } from '../support/proto-cases-wms.ts';

const RPC_CASES = [...RESERVATION_CASES, ...SERVICE_CASES];
const files = await loadGeneratedFiles();

/** The library's own pattern engine, and the platform's, which is faster: they must agree. */
const ENGINES = [
  ['RE2', createValidator()],
  ['RegExp', createValidator({ regexMatch: (pattern, text) => new RegExp(pattern, 'u').test(text) })],
] as const;

function withDifference(valid: JsonObject, difference: Difference): JsonObject {
  return Object.fromEntries(
    Object.entries({ ...valid, ...difference }).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

function violationsOf({ schema, valid }: ProtoCase, difference: Difference): string[][] {
  const sent = fromJson(schema, withDifference(valid, difference));
  const received = fromBinary(schema, toBinary(schema, sent));
  return ENGINES.map(([, validator]) => {
    const result = validator.validate(schema, received);
    if (result.kind === 'error') throw result.error;
    return (result.violations ?? []).map((found) => `${camelPath(pathToString(found.field))} ${found.ruleId}`);
  });
}

function camelPath(path: string): string {
  return path.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

test('every request has its cases', () => {
  const inputs = files.flatMap((file) => file.services.flatMap((service) => service.methods.map((rpc) => rpc.input)));
  expect(RPC_CASES.map(({ schema }) => schema.typeName).sort()).toEqual(inputs.map((input) => input.typeName).sort());
});

describe.each([...RPC_CASES, ...WMS_CASES].map((one) => [one.schema.typeName, one] as const))('%s', (_name, one) => {
  test('passes as it is', () => {
    expect(violationsOf(one, {})).toEqual([[], []]);
  });

  for (const [why, difference] of one.good ?? []) {
    test(`passes with ${why}`, () => expect(violationsOf(one, difference)).toEqual([[], []]));
  }

  for (const [why, difference, ...expected] of one.bad ?? []) {
    test(`fails with ${why}`, () => expect(violationsOf(one, difference)).toEqual([expected, expected]));
  }
});
