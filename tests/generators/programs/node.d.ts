// The parts of Node.js that the programs use.
declare const process: { argv: string[] };
