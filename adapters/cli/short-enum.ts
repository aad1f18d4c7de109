import type { DescEnum, EnumShape } from '@bufbuild/protobuf';
import { UsageError } from './failures.ts';

/** The short form of an enum value, without the name of its enum: `RESERVED`; a number this version does not know stays one. */
export function shortName(schema: DescEnum, value: number): string {
  return schema.value[value]?.localName ?? String(value);
}

/** Every short form but UNSPECIFIED. */
export function shortNames(schema: DescEnum): string[] {
  return schema.values.filter((value) => value.number !== 0).map((value) => value.localName);
}

/**
 * The number of a value named in its short or its full form, in any case.
 * @throws UsageError
 */
export function parseEnum<Schema extends DescEnum>(schema: Schema, text: string): EnumShape<Schema> {
  const wanted = text.trim().toUpperCase();
  const found = schema.values.find((value) => value.localName === wanted || value.name === wanted);
  if (found !== undefined && found.number !== 0) return found.number as EnumShape<Schema>;
  throw new UsageError(`"${text}" is none of ${shortNames(schema).join(', ')}`);
}
