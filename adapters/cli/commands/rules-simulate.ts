import { create } from '@bufbuild/protobuf';
import type { SingleBar } from 'cli-progress';
import {
  type SimulatedCase,
  type SimulateRulesResponse,
  SimulateRulesResponseSchema,
} from '../../../src/gen/earmark/v1/rule_service_pb.ts';
import { startProgress } from '../progress-bar.ts';
import { answer, LONG_CALL_TIMEOUT_MS, type Session } from '../session.ts';
import { printable } from '../table.ts';
import { readRules } from './rules-put.ts';

/** Cases tried by one call, so that the progress bar moves. */
const CASES_PER_CALL = 5_000;

/** Examples printed of each kind of difference. */
const EXAMPLES_DEFAULT = 5;

export interface SimulateOptions {
  readonly live?: boolean;
  readonly examples?: number;
}

const COUNTS = [
  'casesChecked',
  'accepted',
  'refused',
  'undecided',
  'newlyAccepted',
  'newlyRefused',
  'sourcedOtherwise',
  'timedOtherwise',
  'sourcingUnknown',
] as const;

/** What each count is to a reader, in the order of importance. */
const LINES: readonly (readonly [count: (typeof COUNTS)[number], meaning: string])[] = [
  ['accepted', 'accepted'],
  ['refused', 'refused'],
  ['undecided', 'cannot be told'],
  ['newlyAccepted', 'refused before, accepted now'],
  ['newlyRefused', 'accepted before, refused now'],
  ['sourcedOtherwise', 'from other warehouses'],
  ['timedOtherwise', 'with another deadline'],
  ['sourcingUnknown', 'accepted, nobody knows from where'],
];

/**
 * Tries the rules of a file on what was decided before, page by page; changes nothing.
 * @throws UsageError where the file cannot be read or holds no rules
 */
export async function simulateRules(session: Session, path: string, options: SimulateOptions): Promise<void> {
  const rules = await readRules(path);
  const maxExamples = options.examples ?? EXAMPLES_DEFAULT;
  const request = { rules, liveOnly: options.live === true, maxExamples, pageSize: CASES_PER_CALL };
  const sum = create(SimulateRulesResponseSchema);
  let bar: SingleBar | undefined;
  try {
    do {
      const pageToken = sum.nextPageToken;
      const page = await session.rules.simulateRules(
        { ...request, pageToken },
        { timeoutMs: LONG_CALL_TIMEOUT_MS, signal: session.interruption.signal },
      );
      bar ??= startProgress(session, 'trying', 'cases', Number(page.casesTotal));
      add(sum, page);
      bar?.update(Number(sum.casesChecked));
    } while (sum.nextPageToken !== '');
  } finally {
    bar?.stop();
  }
  sum.examples = firstOfEachKind(sum.examples, maxExamples);
  await answer(session, SimulateRulesResponseSchema, sum, () => formatSimulation(sum));
}

function add(sum: SimulateRulesResponse, page: SimulateRulesResponse): void {
  for (const count of COUNTS) sum[count] += page[count];
  sum.casesTotal = page.casesTotal;
  sum.nextPageToken = page.nextPageToken;
  sum.examples.push(...page.examples);
}

/** Each call has found examples of its own. */
function firstOfEachKind(examples: readonly SimulatedCase[], max: number): SimulatedCase[] {
  const shown = new Map<string, number>();
  return examples.filter(({ differences }) => {
    const kinds = differences.map(kindOf);
    const isNew = kinds.some((kind) => (shown.get(kind) ?? 0) < max);
    if (isNew) for (const kind of kinds) shown.set(kind, (shown.get(kind) ?? 0) + 1);
    return isNew;
  });
}

/** Sentences of one kind begin alike. */
function kindOf(difference: string): string {
  return difference.split(' ').slice(0, 3).join(' ');
}

/** The counts, then the examples. */
export function formatSimulation(sum: SimulateRulesResponse): string {
  const width = String(sum.casesChecked).length;
  const counts = LINES.filter(([count]) => sum[count] > 0n || count === 'accepted' || count === 'refused').map(
    ([count, meaning]) => `  ${String(sum[count]).padStart(width)}  ${meaning}`,
  );
  const examples = sum.examples.map(({ trackingId, exchangeId, differences }) =>
    printable(`  ${trackingId === '' ? `exchange ${exchangeId}` : trackingId}: ${differences.join('; ')}`),
  );
  return [
    `${sum.casesChecked} cases tried; nothing was changed`,
    ...counts,
    ...(examples.length === 0 ? [] : ['for example', ...examples]),
  ].join('\n');
}
