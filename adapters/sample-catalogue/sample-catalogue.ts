import type { Warehouse } from '../../src/domain/sourcing.ts';

/** The warehouse system of every sample warehouse: the simulated one. */
export const SAMPLE_WMS = 'sim';

export interface SampleItem {
  readonly sku: string;
  readonly name: string;
  readonly product: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export const SAMPLE_WAREHOUSES: readonly Warehouse[] = [
  sampleWarehouse('BERLIN-1', 'Berlin', 'Europe/Berlin', 1, 'DE', '10115'),
  sampleWarehouse('VENLO-1', 'Venlo', 'Europe/Amsterdam', 2, 'NL', '5928 LA'),
  sampleWarehouse('POZNAN-1', 'Poznań', 'Europe/Warsaw', 3, 'PL', '60-101'),
];

export const SAMPLE_ITEMS: readonly SampleItem[] = [
  ...inSizes('SHOE-RED', 'Red running shoe', { colour: 'red' }, ['38', '39', '40', '41', '42', '43', '44', '45']),
  ...inSizes('SHOE-BLUE', 'Blue running shoe', { colour: 'blue' }, ['38', '39', '40', '41', '42', '43', '44', '45']),
  ...inSizes('SHIRT-WHITE', 'White shirt', { colour: 'white' }, ['XS', 'S', 'M', 'L']),
  ...inSizes('SHIRT-NAVY', 'Navy shirt', { colour: 'navy' }, ['XS', 'S', 'M', 'L']),
];

/** Units on hand of every sample item, by warehouse. */
export const SAMPLE_STOCK: Readonly<Record<string, number>> = { 'BERLIN-1': 120, 'VENLO-1': 80, 'POZNAN-1': 40 };

function sampleWarehouse(
  code: string,
  name: string,
  timeZone: string,
  priority: number,
  countryCode: string,
  postalCode: string,
): Warehouse {
  return { code, name, timeZone, priority, countryCode, postalCode, enabled: true, wms: SAMPLE_WMS };
}

function inSizes(
  product: string,
  name: string,
  attributes: Readonly<Record<string, string>>,
  sizes: readonly string[],
): SampleItem[] {
  return sizes.map((size) => ({
    sku: `${product}-${size}`,
    name: `${name}, size ${size}`,
    product,
    attributes: { ...attributes, size },
  }));
}
