import { once } from "node:events";
import { connect, type Socket } from "node:net";

const PROTOCOL = 196_608;

function text(...parts: string[]): Buffer {
  return Buffer.from([...parts, ""].join("\0"));
}

function message(kind: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(kind), length, body]);
}

/** A session in a program's own PostgreSQL that begins with this. */
function session(statement: string, database = process.env.STARTER_POSTGRES!): Socket {
  const socket = connect(database);
  const version = Buffer.alloc(4);
  version.writeUInt32BE(PROTOCOL);
  socket.write(message("", Buffer.concat([version, text("user", "postgres", "database", "starter", "")])));
  socket.write(message("Q", text(statement)));
  return socket;
}

/** Ends a session when it has done what it was told. */
function leave(socket: Socket): void {
  socket.write(message("X", Buffer.alloc(0)));
}

/** Runs a statement, for what a test cannot wait for. */
async function run(statement: string, database?: string): Promise<void> {
  const socket = session(statement, database);
  leave(socket);
  let answer = "";
  socket.on("data", (bytes) => (answer += bytes.toString("latin1")));
  await once(socket, "close");
  if (answer.includes("SERROR") || !/(UPDATE|INSERT 0) [1-9]/.test(answer)) throw new Error(`${statement}: ${answer}`);
}

/** As if the password of somebody had been given too long ago in each of their sessions; the name is one of our tests'. */
export async function forgetConfirmation(username: string): Promise<void> {
  await run(`update sessions set sudo_until = null from users where users.id = user_id and username = '${username}'`);
}

/** As if a task that waits for its start had made an attempt and waited for the next one. */
export async function hasBeenTried(id: string): Promise<void> {
  await run(`update tasks set attempts = 1 where id = '${id}'`);
}

/** As if a running task had said how far it is. */
export async function saysHowFar(database: string, id: string): Promise<void> {
  await run(`insert into task_progress (task_id, percent, message) values ('${id}', 40, '4 of 10 parts')`, database);
}

/** As if every quarter of an hour of a day had been like the others: the graphs of that day are the same whenever they are looked at. */
export async function hadAnEvenDay(database: string): Promise<void> {
  const quarters = "date_bin('15 minutes', now(), '2000-01-01Z') - make_interval(mins => 15 * n) from generate_series(-1, 100) n";
  await run(
    `delete from task_stats; delete from queue_samples;
     insert into queue_samples (minute, ready, running, oldest_ready_seconds) select at, 40, 8, 90 from (select ${quarters}) as q (at);
     insert into task_stats (minute, task_type_id, worker_id, completed, failed, retried, cancelled, run_ms, wait_ms, run_histogram)
     select at, (select min(id) from task_types), 0, 600, 100, 200, 100, 50000, 90000,
       '{300, 100, 100, 100, 100, 100, 50, 50, 50, 20, 10, 10, 5, 3, 1, 1, 0}' from (select ${quarters}) as q (at)`,
    database,
  );
}

/** Holds a task, so that whoever wants to change it stands still, until the function is called that it returns. */
export async function holdTask(id: string): Promise<() => void> {
  const socket = session(`begin; select from tasks where id = '${id}' for update`);
  let answer = "";
  await new Promise<void>((held, failed) => {
    socket.on("data", (bytes) => {
      answer += bytes.toString("latin1");
      if (answer.includes("SELECT 1")) held();
    });
    socket.once("close", () => failed(new Error(answer)));
  });
  return () => leave(socket);
}
