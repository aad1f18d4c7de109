import { toJson } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { ReservationStateSchema } from '../../../src/gen/earmark/v1/reservation_pb.ts';
import { GetRulesResponseSchema } from '../../../src/gen/earmark/v1/rule_service_pb.ts';
import { RulesSchema } from '../../../src/gen/earmark/v1/rules_pb.ts';
import { parseWhole } from '../arguments.ts';
import { answer, type OpenSession } from '../session.ts';
import { shortNames } from '../short-enum.ts';
import { parseStates } from './list.ts';
import { type ApplyOptions, applyRules } from './rules-apply.ts';
import { putRules } from './rules-put.ts';
import { type SimulateOptions, simulateRules } from './rules-simulate.ts';

const VERSION_MAX = 2_147_483_647;
const INDENT = 2;
const EXAMPLES_MAX = 100;

export function addRulesCommands(program: Command, open: OpenSession): void {
  const rules = program.command('rules').description('read and change the rules');
  rules
    .command('get')
    .description('print the rules that hold now, or one version, as JSON')
    .option('--version <number>', 'the version', (text) => parseWhole(text, 1, VERSION_MAX), 0)
    .action(async (options: { readonly version: number }) => {
      const session = open();
      const response = await session.rules.getRules({ version: BigInt(options.version) });
      await answer(session, GetRulesResponseSchema, response, () =>
        response.rules === undefined ? 'none' : JSON.stringify(toJson(RulesSchema, response.rules), null, INDENT),
      );
    });
  rules
    .command('put')
    .description('make a new version of the rules')
    .argument('<file>', 'the rules as JSON, as "rules get" prints them, changed as you wish')
    .option('--reason <text>', 'why, instead of the reason in the file')
    .addHelpText(
      'after',
      '\nThe etag in the file names the version it was made from. Where there is a newer one, nothing is changed.',
    )
    .action((file: string, options: { readonly reason?: string }) => putRules(open(), file, options.reason));
  rules
    .command('simulate')
    .description('try rules on what was decided before; changes nothing')
    .argument('<file>', 'the rules as JSON, as "rules get" prints them, changed as you wish')
    .option('--live', 'only live reservations')
    .option('--examples <number>', 'examples of each difference', (text) => parseWhole(text, 1, EXAMPLES_MAX))
    .action((file: string, options: SimulateOptions) => simulateRules(open(), file, options));
  rules
    .command('apply')
    .description('apply the rules that hold to chosen live reservations; releases nothing')
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .option('--reservation <id>', 'this reservation, by its id; repeatable', collect, [])
    .option('--state <states>', `in one of ${shortNames(ReservationStateSchema).join(',')}`, parseStates, [])
    .option('--sku <sku>', 'with a line of this SKU', '')
    .option('--warehouse <code>', 'with units held in this warehouse', '')
    .action((options: ApplyOptions) => applyRules(open(), options));
}

function collect(id: string, known: readonly string[]): string[] {
  return [...known, id];
}
