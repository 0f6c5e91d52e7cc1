// A hostile function: answers, for every attempt, the code of the error that stopped it, or `REACHED …`.
const fs = require('fs');
const net = require('net');
const { spawn, spawnSync } = require('child_process');

const stopped = (action) => {
  try {
    return `REACHED ${String(action()).slice(0, 80)}`;
  } catch (error) {
    return error.code ?? String(error);
  }
};

const connect = (port, host) =>
  new Promise((resolve) => {
    const socket = net.connect({ port, host, timeout: 2000 }, () => resolve(`REACHED ${host}:${port}`));
    socket.on('error', (error) => resolve(error.code)).on('timeout', () => resolve('ETIMEDOUT'));
  });

const attempts = {
  nothing: async (event) => event.number,

  async escape(event) {
    const results = {};
    const server = event.server;
    const reads = [event.secret, '/etc/shadow', '/proc/1/environ', '/proc/1/mem', `/proc/${server}/environ`, '/proc/kcore', '/dev/mem'];
    for (const path of reads) results[`read ${path}`] = stopped(() => fs.readFileSync(path));
    const folders = [event.data, '/home', '/sys', '/run', '/proc/1/root', '/proc/1/fd', `/proc/${server}/root`];
    for (const path of folders) results[`list ${path}`] = stopped(() => fs.readdirSync(path));
    const writes = ['/new', '/var/task/index.js', '/var/runtime/new', '/opt/new', '/usr/new', '/etc/hosts', '/proc/sys/kernel/core_pattern'];
    for (const path of writes) results[`write ${path}`] = stopped(() => fs.writeFileSync(path, 'x'));
    results['become root'] = stopped(() => process.setuid(0));
    results['become another group'] = stopped(() => process.setgid(0));
    results['kill the server'] = stopped(() => process.kill(server, 9));
    results['follow a link'] = stopped(() => {
      fs.rmSync('/tmp/link', { force: true });
      fs.symlinkSync(event.secret, '/tmp/link');
      return fs.readFileSync('/tmp/link');
    });
    for (const tool of ['mount', 'umount', 'unshare', 'nsenter', 'chroot', 'su', 'sudo']) {
      const arguments_ = { mount: ['-t', 'tmpfs', 'x', '/tmp'], umount: ['/proc'], unshare: ['-U', 'true'], chroot: ['/tmp', '/bin/true'] };
      const done = spawnSync(tool, arguments_[tool] ?? ['-c', 'true'], { timeout: 5000 });
      results[`run ${tool}`] = done.status === 0 ? `REACHED ${tool}` : (done.error?.code ?? `status ${done.status}`);
    }
    results['a service on the host'] = await connect(event.port, '127.0.0.1');
    results['the metadata service'] = await connect(80, '169.254.169.254');
    results['the internet by address'] = await connect(443, '1.1.1.1');
    results['a private network'] = await connect(80, '10.0.0.1');
    results['the machine by its address'] = await connect(event.port, event.machine);
    results['the port of another function'] = await connect(7777, '127.0.0.1');
    return results;
  },

  // A child of its own session that ignores what would end it; then no end of its own.
  async outlive(event) {
    const script = `trap '' TERM HUP INT QUIT; while :; do sleep 1; done`;
    spawn('/bin/sh', ['-c', script, event.mark], { detached: true, stdio: 'ignore' }).unref();
    await new Promise((resolve) => setTimeout(resolve, event.wait ? 60_000 : 200));
    return 'done';
  },

  async background(event) {
    globalThis.longest ??= 0;
    if (!event.look) {
      let last = performance.now();
      setInterval(() => {
        const now = performance.now();
        globalThis.longest = Math.max(globalThis.longest, now - last);
        last = now;
      }, 2);
      const { Worker } = require('worker_threads');
      globalThis.shared = new Float64Array(new SharedArrayBuffer(8));
      const source = `const { workerData } = require('worker_threads'); let last = performance.now();
        setInterval(() => { const now = performance.now(); workerData[0] = Math.max(workerData[0], now - last); last = now; }, 2);`;
      new Worker(source, { eval: true, workerData: globalThis.shared }).unref();
    }
    // On a loaded machine the thread takes its time to start.
    do {
      await new Promise((resolve) => setTimeout(resolve, 300));
    } while (globalThis.shared[0] === 0);
    return [globalThis.longest / 1000, globalThis.shared[0] / 1000];
  },

  async memory() {
    const kept = [];
    for (;;) kept.push(Buffer.alloc(16 << 20, 1));
  },
};

exports.handler = (event) => attempts[event.do](event);
