import type { Warehouse } from '../../src/domain/sourcing.ts';

/** One variant of a product, with the units each warehouse has of it, in the order of {@link SAMPLE_WAREHOUSES}. */
export interface SampleItem {
  readonly sku: string;
  readonly name: string;
  readonly product: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly onHand: readonly number[];
}

/** Three warehouses of one simulated warehouse system, asked in this order. */
export const SAMPLE_WAREHOUSES: readonly Warehouse[] = [
  warehouse('BERLIN-1', 'Berlin', 'Europe/Berlin', 'DE', '12529', 1),
  warehouse('VENLO-1', 'Venlo', 'Europe/Amsterdam', 'NL', '5928', 2),
  warehouse('POZNAN-1', 'Poznań', 'Europe/Warsaw', 'PL', '61-001', 3),
];

/** Shoes and shirts in their sizes. Some are plentiful, some scarce in one warehouse, some sold out. */
export const SAMPLE_ITEMS: readonly SampleItem[] = [
  ...shoes('RED', 'Red', { 40: [12, 8, 4], 41: [20, 10, 6], 42: [25, 15, 10], 43: [14, 0, 9], 44: [3, 2, 0] }),
  ...shoes('BLUE', 'Blue', { 40: [6, 6, 6], 41: [11, 4, 0], 42: [18, 9, 5], 43: [0, 7, 3], 44: [0, 0, 0] }),
  ...shoes('BLACK', 'Black', { 41: [30, 20, 20], 42: [40, 30, 25], 43: [35, 25, 15], 44: [8, 5, 1] }),
  ...shirts('WHITE', 'White', { S: [50, 30, 20], M: [80, 60, 40], L: [70, 50, 30], XL: [25, 0, 10], XXL: [1, 0, 0] }),
  ...shirts('NAVY', 'Navy', { S: [15, 10, 0], M: [22, 18, 12], L: [19, 0, 7], XL: [0, 0, 2], XXL: [0, 1, 0] }),
];

function warehouse(
  code: string,
  name: string,
  timeZone: string,
  countryCode: string,
  postalCode: string,
  priority: number,
): Warehouse {
  return { code, name, timeZone, priority, countryCode, postalCode, enabled: true, wms: 'sim' };
}

function shoes(code: string, colour: string, sizes: Readonly<Record<string, readonly number[]>>): SampleItem[] {
  return variants(`SHOE-${code}`, `${colour} running shoe`, 'running-shoe', colour, sizes);
}

function shirts(code: string, colour: string, sizes: Readonly<Record<string, readonly number[]>>): SampleItem[] {
  return variants(`SHIRT-${code}`, `${colour} T-shirt`, 't-shirt', colour, sizes);
}

function variants(
  prefix: string,
  name: string,
  product: string,
  colour: string,
  sizes: Readonly<Record<string, readonly number[]>>,
): SampleItem[] {
  return Object.entries(sizes).map(([size, onHand]) => ({
    sku: `${prefix}-${size}`,
    name: `${name}, size ${size}`,
    product,
    attributes: { colour: colour.toLowerCase(), size },
    onHand,
  }));
}
