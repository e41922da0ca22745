// modbus-serial reads and writes a meter: node read_meter.cjs tcp HOST PORT | rtu DEVICE; prints one JSON object.
const ModbusRTU = require("modbus-serial");

async function main([way, place, port]) {
  const client = new ModbusRTU();
  if (way === "tcp") await client.connectTCP(place, { port: Number(port) });
  else await client.connectRTUBuffered(place, { baudRate: 9600 });
  client.setID(1);
  client.setTimeout(5000);
  const told = {};
  told.holding = (await client.readHoldingRegisters(0, 12)).data;
  told.input = (await client.readInputRegisters(0x0732, 6)).data;
  told.inputs = (await client.readDiscreteInputs(0, 2)).data.slice(0, 2);
  told.coils = (await client.readCoils(0x1300, 10)).data.slice(0, 10);
  await client.writeCoil(0x1300, true);
  await client.writeRegister(0x03ea, 0);
  await client.writeRegisters(0x00b0, [0, 1500]);
  try {
    await client.readHoldingRegisters(0x0744, 2);
  } catch (problem) {
    told.exception = problem.modbusCode;
  }
  const about = await client.readDeviceIdentification(1, 0);
  told.about = about.data;
  console.log(JSON.stringify(told));
  client.close(() => process.exit(0));
}

main(process.argv.slice(2)).catch((problem) => {
  console.error(problem.message);
  process.exit(1);
});
