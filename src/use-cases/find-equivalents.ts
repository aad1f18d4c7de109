import { EQUIVALENTS_TRIED_MAX } from '../domain/equivalents.ts';
import { type RequestedLine, UNITS_ASKED_MAX } from '../domain/requested-line.ts';
import type { NamedLine } from '../domain/stock-units.ts';
import type { Equivalents } from '../ports/equivalents.ts';
import type { Needs } from '../ports.ts';

/** What may be held for a request beside what it asks for. */
export interface EquivalentInput {
  readonly lines: readonly RequestedLine[];
  readonly acceptSubstitutes?: boolean;
  /** Equivalent items in the quantities of their lines, to be locked too; what is held is decided under the locks. */
  readonly equivalents?: readonly NamedLine[];
}

/**
 * Finds the items that may be held instead, so that a unit of work knows its pools before it locks them. Reads nothing
 * where no request accepts substitutes.
 */
export async function findEquivalents<Input extends EquivalentInput>(
  { equivalents }: { readonly equivalents: Equivalents },
  inputs: readonly Input[],
): Promise<Input[]> {
  const skus = new Set(inputs.filter(isOpen).flatMap(({ lines }) => lines.map((line) => line.sku)));
  if (skus.size === 0) return [...inputs];
  const found = await equivalents.of([...skus], EQUIVALENTS_TRIED_MAX);
  return inputs.map((input) => (isOpen(input) ? { ...input, equivalents: equivalentsOf(input.lines, found) } : input));
}

function isOpen({ acceptSubstitutes }: EquivalentInput): boolean {
  return acceptSubstitutes === true;
}

/** No more units than one request may ask for, where they are told apart. */
function equivalentsOf(
  lines: readonly RequestedLine[],
  found: ReadonlyMap<string, readonly string[]>,
): readonly NamedLine[] {
  return lines
    .filter(({ unitIds = [] }) => unitIds.length === 0)
    .flatMap(({ sku, quantity }) =>
      (found.get(sku) ?? []).map((other) => ({ sku: other, quantity: Math.min(quantity, UNITS_ASKED_MAX) })),
    );
}

/** What the lines and their equivalents need locked; each equivalent item counts as a line of the unit of work. */
export function lineNeeds({ lines, equivalents = [] }: EquivalentInput): {
  readonly needs: Pick<Needs, 'skus' | 'lines'>;
  readonly lineCount: number;
} {
  const all = equivalents.length === 0 ? lines : [...lines, ...equivalents];
  return { needs: { skus: [...new Set(all.map((line) => line.sku))], lines: all }, lineCount: all.length };
}
