import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileRule } from '../../adapters/cel/compile-rule.ts';
import { checkEligibility, type EligibilityCheck, type ExchangeCase, makeCheck } from '../../src/domain/eligibility.ts';
import { RETURN_REASON, RETURN_WINDOW } from '../../src/domain/rules.ts';
import { aCase, DAY_MS, runs, T0 } from '../support/arbitraries.ts';

const compile = (expression: string) => compileRule({ name: 'r', expression, customerMessage: '', staffMessage: '' });

function compiled(expression: string): EligibilityCheck {
  const check = compile(expression);
  if ('problem' in check) throw new Error(`${expression}: ${check.problem}`);
  return check;
}

const ask = (expression: string, asked: ExchangeCase = aCase()) => compiled(expression).allows(asked, T0);

describe('an expression', () => {
  const asked = aCase(
    {
      deliveredAt: T0 - 10 * DAY_MS,
      reason: 'Größe',
      itemCondition: 'NEW',
      customerTier: 'GOLD',
      attributes: { campaign: 'spring', constructor: 'x' },
    },
    {
      lines: [
        { sku: 'A', quantity: 2 },
        { sku: 'B', quantity: 1 },
      ],
      destination: { countryCode: 'DE', postalCode: '10115' },
    },
  );

  test.each([
    ['channel == "web"', true],
    ['facts.item_condition in ["NEW", "USED"] && facts.customer_tier != "NONE"', true],
    ['facts.reason.upperCase() == "GRÖSSE"', true],
    ['has(facts.delivered_time) && now - facts.delivered_time == duration("240h")', true],
    ['facts.delivered_time + duration("1h") > now', false],
    ['facts.delivered_time.getDayOfWeek("Europe/Berlin") < 7', true],
    ['facts.attributes["campaign"] == "spring"', true],
    ['"campaign" in facts.attributes && facts.attributes.campaign.startsWith("spr")', true],
    ['"missing" in facts.attributes && facts.attributes.missing == "a"', false],
    ['has(facts.attributes.constructor)', true],
    ['has(facts.attributes.toString)', false],
    ['facts.attributes.all(key, size(key) < 20)', true],
    ['lines.all(line, line.quantity <= 2)', true],
    ['lines.exists_one(line, line.sku == "B")', true],
    ['lines.filter(line, line.quantity > 1).size() == 1', true],
    ['lines.map(line, line.quantity * 2) == [4, 2]', true],
    ['lines.map(line, line.sku).exists(sku, sku.matches("^[AB]$"))', true],
    ['size(lines) == 2 && lines[0].sku == "A"', true],
    ['destination.country_code + "-" + channel == "DE-web"', true],
    ['destination.postal_code.matches("^1[0-9]{4}$") ? true : false', true],
    ['int(destination.postal_code) > 10000', true],
    ['type(lines) == list', true],
    ['{"web": true, "store": false}[channel]', true],
    ['// a comment\nchannel ==\n  "web"', true],
  ])('%s is %s', (expression, expected) => {
    expect(ask(expression, asked)).toBe(expected);
  });

  test.each([
    ['facts.delivered_time < now'],
    ['facts.attributes["none"] == "a"'],
    ['lines[7].sku == "A"'],
    ['1 / (size(lines) - 1) == 1'],
    ['int(facts.reason) == 1'],
    ['facts.reason.matches("(")'],
    [`lines.map(l, "${'a'.repeat(600)}").map(t, t + t).exists(t, t == "a")`],
  ])('that cannot tell fails and does not throw: %s', (expression) => {
    const unclear = aCase({ reason: 'x' });
    const verdict = ask(expression, unclear);
    expect(verdict).toEqual({ failure: expect.any(String) });
    const refusal = checkEligibility([compiled(expression)], 4, unclear, T0);
    expect(refusal).toMatchObject({ reason: 'NOT_ELIGIBLE', metadata: { rule: 'r', rule_version: '4' } });
    expect(refusal?.metadata.failure).toBeTruthy();
  });
});

describe('an expression that cannot be asked', () => {
  test.each([
    ['', 1, 1, /./],
    ['channel ==', 1, 9, /expecting/],
    ['channel == "web" &&\n  chanel == "x"', 2, 3, /nothing is called chanel/],
    ['facts.delivered < now', 1, 6, /facts has no field delivered/],
    ['lines.all(l, l.price > 1)', 1, 15, /line has no field price/],
    ['channel', 1, 1, /is string, not true or false/],
    ['size(lines)', 1, 1, /is int/],
    ['dyn(true)', 1, 1, /is dyn/],
    ['channel ? true : "no"', 1, 1, /string stands where true or false must/],
    ['facts.reason && true', 1, 1, /string stands/],
    ['channel == 1', 1, 8, /string is never equal to int/],
    ['1 in ["a"]', 1, 2, /int is never in a list of string/],
    ['channel < 1', 1, 8, /does not take \(string, int\)/],
    ['unknown(1)', 1, 1, /no function is called unknown/],
    ['channel.replace("a", "b") == "b"', 1, 8, /no function is called replace/],
    ['channel.split("").size() == 1', 1, 8, /no function/],
    ['Rules{version: 1} == Rules{version: 1}', 1, 1, /rules make no Rules/],
    ['dyn(lines).all(l, true)', 1, 11, /no list or map of known size/],
    ['dyn([]) + [1] == [1]', 1, 8, /does not take/],
    ['lines.all(a, lines.all(b, lines.all(c, a.sku == b.sku && b.sku == c.sku)))', 1, 1, /may take \d+ steps/],
    ['lines.map(a, lines).size() < 5 && lines.all(a, lines.all(b, a.sku != b.sku))', 1, 1, /may take \d+ steps/],
    [`channel == "${'a'.repeat(4_000)}"`, 1, 4_001, /more than 4000 characters/],
    ['('.repeat(3_000), 1, 1, /./],
  ])('says where and why: %s', (expression, line, column, problem) => {
    const failure = compile(expression);
    expect(failure).toMatchObject({ problem: expect.stringMatching(problem), line });
    if (expression.length < 3_000) expect(failure).toMatchObject({ column });
  });
});

describe('the rules that are built in', () => {
  test.each([RETURN_WINDOW, RETURN_REASON])('$name means what its expression says', (rule) => {
    const [builtIn, asked] = [makeCheck(rule, () => expect.fail('it is built in')), compiled(rule.expression)];
    if ('problem' in builtIn) throw new Error(builtIn.problem);
    const deliveredAt = fc.option(
      fc.oneof(
        fc.integer({ min: 0, max: 2 * T0 }),
        fc.integer({ min: -2, max: 2 }).map((ms) => T0 - 90 * DAY_MS + ms),
        fc.integer({ min: -9, max: 9 }).map((parts) => T0 - 90 * DAY_MS + parts / 4096),
      ),
    );
    const reason = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.mixedCase(fc.constant('abuse')),
      fc.constantFrom('ABUSE ', 'abu\u017fe', 'SIZE'),
    );
    fc.assert(
      fc.property(deliveredAt, reason, (at, text) => {
        const one = aCase({ deliveredAt: at, reason: text });
        expect(asked.allows(one, T0)).toBe(builtIn.allows(one, T0));
      }),
      runs(),
    );
  });
});

test('no text makes the compiler throw', () => {
  const word = fc.constantFrom(
    'lines',
    'facts',
    '.',
    'reason',
    '(',
    ')',
    '[',
    ']',
    '&&',
    '||',
    '!',
    '"a"',
    '1',
    'all',
    'x',
    ',',
    '+',
    '?',
    ':',
    '==',
    'in',
    'map',
    ' ',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(word, { maxLength: 20 }).map((words) => words.join('')),
        fc.string(),
      ),
      (text) => {
        const made = compile(text);
        if ('problem' in made) expect(made.line).toBeGreaterThan(0);
        else expect(['boolean', 'object']).toContain(typeof made.allows(aCase(), T0));
      },
    ),
    runs(),
  );
});
