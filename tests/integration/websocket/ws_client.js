// npm's `ws` against a relay: `node ws_client.js URL`. Runs every case, writes one JSON line for each, exits non-zero
// when one fails. The modules are found through NODE_PATH.
'use strict';
const WebSocket = require('ws');

const url = process.argv[2];
const LIMIT_MS = 300000;
const HELLO = Buffer.from('000001');
// 0000 03 identity NUL
const IDENTITY = /^000003[\x21-\x7e]{1,53}\x00/;

function open(protocol = 'bob.handshake', options = {}) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocol, { perMessageDeflate: true, ...options });
    socket.received = Buffer.alloc(0);
    socket.binary = true;
    socket.closed = new Promise((done) => socket.on('close', (code, reason) => done({ code, reason: reason.toString() })));
    socket.on('message', (data, isBinary) => {
      socket.received = Buffer.concat([socket.received, data]);
      socket.binary = socket.binary && isBinary;
      socket.emit('more');
    });
    socket.on('open', () => resolve(socket));
    socket.on('error', (error) => { socket.failure = error; reject(error); });
  });
}

function until(socket, holds) {
  return new Promise((resolve, reject) => {
    const check = () => { if (holds()) resolve(); };
    socket.on('more', check);
    socket.on('pong', check);
    socket.on('close', (code) => reject(new Error(`closed with ${code} before what was waited for`)));
    check();
  });
}

function expect(holds, what) {
  if (!holds) throw new Error(what);
}

const identified = (socket) => IDENTITY.test(socket.received.toString('latin1'));

const cases = {
  async a_hello_is_answered_in_binary() {
    const socket = await open();
    expect(socket.protocol === 'bob.handshake', `subprotocol ${socket.protocol}`);
    expect(socket.extensions === '', 'permessage-deflate was agreed to');
    socket.send(HELLO);
    await until(socket, () => identified(socket));
    expect(socket.binary, 'a text message came');
    socket.close(1000);
    const { code } = await socket.closed;
    expect(code === 1000, `closed with ${code}`);
  },

  async a_packet_in_many_fragments() {
    const socket = await open();
    for (const byte of HELLO.subarray(0, 5)) socket.send(Buffer.from([byte]), { fin: false });
    socket.send(HELLO.subarray(5), { fin: true });
    await until(socket, () => identified(socket));
    socket.terminate();
  },

  async pings_between_fragments_are_answered() {
    const socket = await open();
    const pongs = [];
    socket.on('pong', (data) => pongs.push(data.toString()));
    socket.send(HELLO.subarray(0, 2), { fin: false });
    socket.ping('one');
    socket.send(HELLO.subarray(2, 4), { fin: false });
    socket.ping('two');
    socket.send(HELLO.subarray(4), { fin: true });
    await until(socket, () => identified(socket) && pongs.length === 2);
    expect(pongs.join() === 'one,two', `pongs ${pongs.join()}`);
    socket.terminate();
  },

  async one_message_a_byte_and_several_packets_a_message() {
    const socket = await open();
    for (const byte of HELLO) socket.send(Buffer.from([byte]));
    await until(socket, () => identified(socket));
    const once = socket.received.length;
    socket.send(Buffer.concat([HELLO, HELLO])); // a repeated hello is answered again
    await until(socket, () => socket.received.length === 3 * once);
    socket.terminate();
  },

  async a_text_message_is_1003() {
    const socket = await open();
    socket.send('000001');
    const { code } = await socket.closed;
    expect(code === 1003, `closed with ${code}`);
  },

  async a_message_above_the_bound_is_1009() {
    const socket = await open();
    socket.send(Buffer.alloc(1 << 20));
    const { code } = await socket.closed;
    expect(code === 1009, `closed with ${code}`);
  },

  async fragments_above_the_bound_are_1009() {
    const socket = await open();
    const end = socket.closed;
    for (let i = 0; i < 64 && socket.readyState === WebSocket.OPEN; ++i) socket.send(Buffer.concat([HELLO, HELLO, HELLO, HELLO]), { fin: false });
    const { code } = await end;
    expect(code === 1009, `closed with ${code}`);
  },

  async the_clients_close_code_comes_back() {
    const socket = await open();
    socket.close(3456, 'a reason');
    const { code } = await socket.closed;
    expect(code === 3456, `closed with ${code}`);
  },

  async a_malformed_packet_is_answered_before_the_close() {
    const socket = await open();
    socket.send(Buffer.from('zzzz01'));
    const { code } = await socket.closed;
    expect(socket.received.toString('latin1') === '0000090000', `got ${socket.received.toString('latin1')}`);
    expect(code === 1000, `closed with ${code}`);
  },

  async a_room_without_an_agreement_is_02() {
    const socket = await open('bob.room');
    socket.send(Buffer.from('192.0.2.1:7\n'));
    await socket.closed;
    expect(socket.received.equals(Buffer.from('02')), `got ${socket.received.toString('hex')}`);
  },

  async an_unknown_subprotocol_is_refused() {
    let failure;
    await open('chat').catch((error) => { failure = error; });
    expect(failure && /400/.test(failure.message), `${failure}`);
  },
};

(async () => {
  let failed = 0;
  for (const [name, run] of Object.entries(cases)) {
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('took too long')), LIMIT_MS); });
    let why = null;
    await Promise.race([run(), late]).catch((error) => { why = error.message; });
    clearTimeout(timer);
    if (why !== null) ++failed;
    console.log(JSON.stringify({ case: name, passed: why === null, why }));
  }
  process.exit(failed === 0 ? 0 : 1);
})();
