import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { printValidateProto, VALIDATE_PROTO_PATH } from '../support/print-validate-proto.ts';

test('the committed validate.proto is the one of the installed validation library', () => {
  expect(readFileSync(VALIDATE_PROTO_PATH, 'utf8')).toBe(printValidateProto());
});
