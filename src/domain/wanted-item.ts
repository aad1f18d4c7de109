import type { Item } from './item.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { RequestedLine } from './requested-line.ts';

/** Items that fit are looked for up to this many: two are as many as too many. */
export const FITTING_ITEMS_MAX = 2;

/** Attributes that a line wants, where it wants any. */
export type WantedAttributes = Readonly<Record<string, string>>;

/** Says which item a line means by its attributes alone: there is no SKU yet, and one has to be chosen. */
export function mustBeChosen(line: RequestedLine): boolean {
  return line.sku === '' && line.wantedAttributes !== undefined;
}

/**
 * The line with the one item that fits. Without one, or with several, it stays without a SKU and is refused when it is
 * decided: a request that was answered before is given its answer, whatever the items have become since.
 * @param fitting SKUs of the same product with the wanted attributes, at most {@link FITTING_ITEMS_MAX}
 */
export function choose(line: RequestedLine, fitting: readonly string[]): RequestedLine {
  const [sku = ''] = fitting;
  return fitting.length === 1 ? { ...line, sku } : { ...line, fittingItems: fitting.length };
}

/** Refuses a line for which no item, or not just one, was found. */
export function notChosen({ returnedSku, wantedAttributes, fittingItems = 0 }: RequestedLine): Refusal {
  const found = fittingItems === 0 ? 'no item' : 'more than one item';
  return refuse('UNKNOWN_SKU', `${found} of the product of ${returnedSku} has the wanted attributes`, {
    sku: '',
    returned_sku: returnedSku,
    wanted_attributes: namesOf(wantedAttributes),
    fitting_items: fittingItems === 0 ? '0' : 'several',
  });
}

/** Refuses an item that lacks a wanted attribute: a SKU that was named beside them, or one that has changed since. */
export function checkAttributes(item: Item, wanted: WantedAttributes | undefined): Refusal | null {
  const lacking = Object.entries(wanted ?? {}).filter(([name, value]) => attributeOf(item, name) !== value);
  if (lacking.length === 0) return null;
  const names = namesOf(Object.fromEntries(lacking));
  return refuse('UNKNOWN_SKU', `${item.sku} is not as wanted in ${names}`, { sku: item.sku, wanted_attributes: names });
}

function attributeOf({ attributes }: Item, name: string): string | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}

/** In one order whatever the order they came in. */
function namesOf(wanted: WantedAttributes | undefined): string {
  return Object.keys(wanted ?? {})
    .sort()
    .join(', ');
}
