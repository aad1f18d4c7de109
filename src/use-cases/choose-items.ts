import type { RequestedLine } from '../domain/requested-line.ts';
import { choose, mustBeChosen } from '../domain/wanted-item.ts';
import type { WantedItems } from '../ports/wanted-items.ts';

/**
 * Finds the items of lines that tell attributes instead of a SKU, so that a unit of work knows its pools before it locks
 * them. Reads nothing where every line has its SKU.
 */
export async function chooseItems<Input extends { readonly lines: readonly RequestedLine[] }>(
  { wantedItems }: { readonly wantedItems: WantedItems },
  inputs: readonly Input[],
): Promise<Input[]> {
  const open = inputs.flatMap(({ lines }) => lines.filter(mustBeChosen));
  if (open.length === 0) return [...inputs];
  const found = await wantedItems.find(
    open.map(({ returnedSku, wantedAttributes = {} }) => ({ returnedSku, attributes: wantedAttributes })),
  );
  const fitting = new Map(open.map((line, at) => [line, found[at] ?? []]));
  return inputs.map((input) => ({ ...input, lines: input.lines.map((line) => chosen(line, fitting.get(line))) }));
}

function chosen(line: RequestedLine, fitting: readonly string[] | undefined): RequestedLine {
  return fitting === undefined ? line : choose(line, fitting);
}
