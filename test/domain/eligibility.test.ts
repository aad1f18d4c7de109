import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkEligibility, checkOrderLine, orderLineKey } from '../../src/domain/eligibility.ts';
import { aCase, DAY_MS, runs, T0 } from '../support/arbitraries.ts';
import { aRuleSet } from '../support/deciding.ts';

describe('the first rule that says no', () => {
  // delivered at, reason → rule
  test.each([
    [null, '', null],
    [T0, 'DAMAGED', null],
    [T0 - 90 * DAY_MS, 'DAMAGED', null],
    [T0 - 90 * DAY_MS - 1, 'DAMAGED', 'return-window'],
    [T0 + DAY_MS, 'DAMAGED', null],
    [null, 'ABUSE', 'reason'],
    [null, 'abuse', 'reason'],
    [T0, 'ABUSE', 'reason'],
    // Both say no: the return window comes first.
    [T0 - 91 * DAY_MS, 'ABUSE', 'return-window'],
  ])('delivered %s for %j: %s', (deliveredAt, reason, rule) => {
    const refusal = checkEligibility(aRuleSet().checks, 3, aCase({ deliveredAt, reason }), T0);
    expect(refusal?.metadata.rule ?? null).toBe(rule);
    if (refusal !== null) expect(refusal).toMatchObject({ reason: 'NOT_ELIGIBLE', metadata: { rule_version: '3' } });
  });
});

describe('the bound of an order line', () => {
  const use = { orderId: 'o', orderLineId: 'ol', purchased: 3, exchanged: 2 };

  test.each([
    [0, 1_000, 1_000, true],
    [3, 2, 1, true],
    [3, 2, 2, false],
    [3, 3, 0, true],
    [3, 3, 1, false],
  ])('bought %i, exchanged %i, asked %i: allowed %s', (purchased, exchanged, asked, allowed) => {
    expect(checkOrderLine({ ...use, purchased, exchanged }, asked) === null).toBe(allowed);
  });

  test('the refusal carries the numbers', () => {
    expect(checkOrderLine(use, 2)).toMatchObject({
      reason: 'ORDER_LINE_EXHAUSTED',
      metadata: { order_line_id: 'ol', purchased: '3', exchanged: '2', requested: '2' },
    });
  });

  test('asking again and again never exchanges more than was bought', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.integer({ min: 1, max: 5 })), (purchased, asks) => {
        let exchanged = 0;
        for (const asked of asks) {
          if (checkOrderLine({ ...use, purchased, exchanged }, asked) === null) exchanged += asked;
          else expect(exchanged + asked).toBeGreaterThan(purchased);
        }
        expect(exchanged).toBeLessThanOrEqual(purchased);
      }),
      runs(),
    );
  });

  test('order and line make the key together', () => {
    expect(orderLineKey('ab', 'c')).not.toBe(orderLineKey('a', 'bc'));
  });
});
