import { describe, expect, test } from 'vitest';
import type { RequestedLine } from '../../src/domain/requested-line.ts';
import { checkAttributes, choose, mustBeChosen, notChosen } from '../../src/domain/wanted-item.ts';
import { anItem } from '../support/arbitraries.ts';

const LINE: RequestedLine = {
  sku: '',
  quantity: 1,
  orderLineId: '',
  returnedSku: 'RED-42',
  warehouse: '',
  purchasedQuantity: 0,
  wantedAttributes: { size: '43', colour: 'red' },
};

describe('a line that tells what it is like', () => {
  test('is given the one item that fits', () => {
    expect(mustBeChosen(LINE)).toBe(true);
    expect(choose(LINE, ['RED-43'])).toEqual({ ...LINE, sku: 'RED-43' });
  });

  test.each([
    [[], '0'],
    [['RED-43', 'RED-43-WIDE'], 'several'],
  ])('is refused where %j fit', (fitting, told) => {
    const line = choose(LINE, fitting);
    expect(line.sku).toBe('');
    expect(notChosen(line)).toMatchObject({
      reason: 'UNKNOWN_SKU',
      metadata: { returned_sku: 'RED-42', wanted_attributes: 'colour, size', fitting_items: told },
    });
  });

  test('is left alone where it names a SKU, or nothing at all', () => {
    expect(mustBeChosen({ ...LINE, sku: 'BLUE-1' })).toBe(false);
    const { wantedAttributes: _, ...plain } = LINE;
    expect(mustBeChosen(plain)).toBe(false);
  });
});

describe('an item that was named or chosen', () => {
  const item = anItem('RED-43', { attributes: { size: '43', colour: 'red', empty: '' } });

  test.each([[undefined], [{}], [{ size: '43' }], [{ colour: 'red', size: '43' }], [{ empty: '' }]])(
    'is as wanted: %j',
    (wanted) => {
      expect(checkAttributes(item, wanted)).toBeNull();
    },
  );

  test.each([[{ size: '44' }], [{ width: '' }], [{ constructor: '' }], [{ colour: 'Red', size: '43' }]])(
    'is not as wanted: %j',
    (wanted) => {
      expect(checkAttributes(item, wanted as Record<string, string>)).toMatchObject({
        reason: 'UNKNOWN_SKU',
        metadata: { sku: 'RED-43', wanted_attributes: Object.keys(wanted)[0] },
      });
    },
  );
});
