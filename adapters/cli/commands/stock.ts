import type { Command } from 'commander';
import type { OpenSession } from '../session.ts';
import { STOCK_COLUMNS } from '../stock-file/columns.ts';
import { exportStock } from './stock-export.ts';
import { importStock } from './stock-import.ts';

const COLUMN_HELP = `
The first line names the columns, separated by commas; their order is free:
${STOCK_COLUMNS.map(({ name, isRequired, meaning }) => `  ${name.padEnd(16)}${isRequired ? 'required: ' : ''}${meaning}`).join('\n')}

The whole file is checked before anything is sent. Each row counts one pool: it sets on_hand to what the file says,
whatever it was. Importing the same file again does nothing, so an import that broke off is simply repeated.`;

export function addStockCommands(program: Command, open: OpenSession): void {
  const stock = program.command('stock').description('bring stock in and out as CSV');
  stock
    .command('import')
    .description('set stock, items and warehouses from a CSV file')
    .argument('<file>', 'the CSV file')
    .option('--check', 'only check the file')
    .option('--again', 'count anew, though this same file was imported before')
    .addHelpText('after', COLUMN_HELP)
    .action((file: string, options: { readonly check?: boolean; readonly again?: boolean }) =>
      importStock(open(), file, { isCheck: options.check === true, isAgain: options.again === true }),
    );
  stock
    .command('export')
    .description('print all stock as CSV, in the form that can be imported')
    .option('--sku <sku>', 'only this SKU; may be repeated', collect, [])
    .option('--warehouse <code>', 'only this warehouse; may be repeated', collect, [])
    .addHelpText(
      'after',
      '\nA cell that a spreadsheet would run as a formula gets an apostrophe; the import takes it away again.',
    )
    .action((options: { readonly sku: readonly string[]; readonly warehouse: readonly string[] }) =>
      exportStock(open(), options.sku, options.warehouse),
    );
}

function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}
