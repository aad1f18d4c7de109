import type { SimLine } from './commands.ts';
import { SKUS, WAREHOUSES } from './model/state.ts';
import type { SeededRandom } from './random.ts';

export function anySku(random: SeededRandom): string {
  return random.chance(0.02) ? 'SKU-UNKNOWN' : random.pick(SKUS);
}

export function anyWarehouse(random: SeededRandom): string {
  return random.chance(0.02) ? 'W-UNKNOWN' : random.pick(WAREHOUSES);
}

/** One to three lines, on order lines or on none of them. */
export function anyLines(random: SeededRandom): SimLine[] {
  const hasOrderLines = random.chance(0.5);
  return Array.from(
    {
      length: random.weighted([
        [6, 1],
        [3, 2],
        [1, 3],
      ]),
    },
    (): SimLine => ({
      sku: anySku(random),
      quantity: random.weighted([
        [6, 1],
        [4, 2],
        [2, 3],
        [1, 6],
      ]),
      orderLineId: hasOrderLines ? random.pick(['l1', 'l1', 'l2']) : '',
      warehouse: random.chance(0.25) ? anyWarehouse(random) : '',
      purchased: random.chance(0.7) ? random.int(1, 3) : 0,
    }),
  );
}
