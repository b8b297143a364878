// A WebSocket server by npm's `ws` in front of a relay's TCP ports: `node ws_bridge.js HANDSHAKE ROOM`. Prints the port
// that it listens on. The modules are found through NODE_PATH.
'use strict';
const net = require('net');
const { WebSocketServer } = require('ws');

const ports = { 'bob.handshake': Number(process.argv[2]), 'bob.room': Number(process.argv[3]) };

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  handleProtocols: (offered) => [...offered].find((name) => name in ports) || false,
});
server.on('listening', () => console.log(server.address().port));
server.on('connection', (peer) => {
  const relay = net.connect({ host: '127.0.0.1', port: ports[peer.protocol], allowHalfOpen: true });
  peer.on('message', (data) => { if (!relay.write(data)) peer.pause(); });
  relay.on('drain', () => peer.resume());
  relay.on('data', (data) => { relay.pause(); peer.send(data, () => relay.resume()); });
  relay.on('end', () => peer.close(1000));
  relay.on('error', () => peer.terminate());
  peer.on('error', () => {});
  peer.on('close', (code) => { if (code === 1000) relay.end(); else relay.resetAndDestroy(); });
});
