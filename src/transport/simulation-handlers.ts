import type { SimulatedCase } from '../domain/rule-simulation.ts';
import { RuleService } from '../gen/earmark/v1/rule_service_pb.ts';
import { type SimulateDeps, simulateRules } from '../use-cases/simulate-rules.ts';
import { isRefusal, toWireRefusal } from './reserve-mapping.ts';
import { type Rpc, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';
import { toDraft } from './rule-mapping.ts';
import { fromTimestamp } from './wire-time.ts';

/** Time a simulation may take, in milliseconds: it may try everything that was ever decided. */
const SIMULATE_DEADLINE_MS = 600_000;

/** The share of its time in which a call tries cases; the rest is for the answer. */
const TRYING_SHARE = 0.8;

/** SimulateRules. */
export function simulationHandlers(deps: SimulateDeps): Rpc[] {
  return [
    unary(
      RuleService.method.simulateRules,
      async (request, call) => {
        if (request.rules === undefined) throw new TypeError('validation requires the rules');
        const draft = toDraft(request.rules);
        if (isRefusal(draft)) throw refusedCall(draft);
        const left = call.deadlineAt === null ? SIMULATE_DEADLINE_MS : call.deadlineAt - Date.now();
        const endAt = performance.now() + left * TRYING_SHARE;
        const input = {
          draft,
          from: fromTimestamp(request.startTime),
          until: fromTimestamp(request.endTime),
          liveOnly: request.liveOnly,
          maxExamples: request.maxExamples,
          size: request.pageSize,
          token: request.pageToken,
        };
        const result = await simulateRules(deps, input, call.signal, () => performance.now() < endAt);
        if (isRefusal(result)) throw refusedCall(result);
        const { checked, ...counts } = mapCounts(result.counts);
        return {
          ...counts,
          casesChecked: checked,
          casesTotal: BigInt(result.total),
          examples: result.examples.map(toWireCase),
          nextPageToken: result.nextToken,
        };
      },
      { deadlineMs: SIMULATE_DEADLINE_MS },
    ),
  ];
}

function mapCounts<Name extends string>(counts: Readonly<Record<Name, number>>): Record<Name, bigint> {
  const pairs = Object.entries<number>(counts).map(([name, count]) => [name, BigInt(count)]);
  return Object.fromEntries(pairs) as Record<Name, bigint>;
}

function toWireCase({ trackingId, exchangeId, differences, refusal }: SimulatedCase) {
  return {
    trackingId,
    exchangeId,
    differences: [...differences],
    ...(refusal === null ? {} : { refusal: toWireRefusal(refusal) }),
  };
}
