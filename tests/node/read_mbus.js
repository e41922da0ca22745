'use strict';
// Lets node-mbus loose on an M-Bus line: node read_mbus.js OPTIONS ACTION..., all JSON; prints what each action gave.
// Actions: ["get", ADDRESS], ["scan"], ["set", OLD, NEW].

const MbusMaster = require('node-mbus');

async function main() {
    const [options, ...actions] = process.argv.slice(2).map((word) => JSON.parse(word));
    const master = new MbusMaster(options);
    await master.connectAsync();
    const told = [];
    for (const [what, ...words] of actions) {
        try {
            if (what === 'get') told.push(await master.getDataAsync(...words));
            else if (what === 'scan') told.push(await master.scanSecondaryAsync());
            else told.push(await master.setPrimaryIdAsync(...words) ?? 'done');
        } catch (problem) {
            told.push({ error: String(problem.message) });
        }
    }
    await master.closeAsync();
    console.log(JSON.stringify(told));
}

main().catch((problem) => {
    console.error(String(problem));
    process.exit(1);
});
