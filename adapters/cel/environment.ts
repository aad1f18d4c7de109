import { type CelFunc, CelScalar, celEnv, celFunc, celMethod } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { DYN, INT, type Shape, STRING, scalar, TIMESTAMP } from './shapes.ts';

/** The longest text an expression may put together, in characters; every text of a request is shorter. */
const TEXT_LENGTH_MAX = 1_024;

/** What a request may hold at most, by its contract. */
const LINES_MAX = 100;
const ATTRIBUTES_MAX = 32;

/** Functions that make long texts or lists out of short ones are left out: nothing bounds what they cost. */
const STRING_FUNCTIONS = ['charAt', 'indexOf', 'lastIndexOf', 'lowerAscii', 'substring', 'trim', 'upperAscii'];

const { STRING: TEXT } = CelScalar;

/** `+` of two texts, bounded; it takes the place of the standard one. */
const joinText = celFunc('_+_', [TEXT, TEXT], TEXT, (left, right) => {
  if (left.length + right.length > TEXT_LENGTH_MAX)
    throw new Error(`a text has more than ${TEXT_LENGTH_MAX} characters`);
  return left + right;
});

/** Capital letters of every script, where the standard knows only those of ASCII. */
const upperCase = celMethod('upperCase', TEXT, [], TEXT, function () {
  return this.toUpperCase();
});

/** The functions rules may call. */
export const ENVIRONMENT = celEnv({
  funcs: [...strings.filter(({ name }) => STRING_FUNCTIONS.includes(name)), joinText, upperCase],
});

/** Every way each function may be called, by its name. */
export const FUNCTIONS: ReadonlyMap<string, readonly CelFunc[]> = Map.groupBy(ENVIRONMENT.funcs, ({ name }) => name);

const LINE: Shape = { kind: 'object', name: 'line', fields: { sku: STRING, quantity: INT } };

/** What rules may ask about. */
export const VARIABLES: Readonly<Record<string, Shape>> = {
  now: TIMESTAMP,
  channel: STRING,
  facts: {
    kind: 'object',
    name: 'facts',
    fields: {
      delivered_time: TIMESTAMP,
      reason: STRING,
      item_condition: STRING,
      customer_tier: STRING,
      attributes: { kind: 'map', value: STRING, size: ATTRIBUTES_MAX },
    },
  },
  lines: { kind: 'list', element: LINE, size: LINES_MAX },
  destination: { kind: 'object', name: 'destination', fields: { country_code: STRING, postal_code: STRING } },
};

/** Names of types, which are values too. */
export const TYPE_NAMES = ['bool', 'bytes', 'double', 'int', 'list', 'map', 'null_type', 'string', 'type', 'uint'];

/** The shape a function's result has. */
export function resultOf({ result }: CelFunc): Shape {
  return result.kind === 'list' || result.kind === 'map' ? DYN : scalar(result.name);
}
