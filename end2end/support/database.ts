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

/** A session in the program's own PostgreSQL that begins with this. */
function session(statement: string): Socket {
  const socket = connect(process.env.STARTER_POSTGRES!);
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
async function run(statement: string): Promise<void> {
  const socket = session(statement);
  leave(socket);
  let answer = "";
  socket.on("data", (bytes) => (answer += bytes.toString("latin1")));
  await once(socket, "close");
  if (!/UPDATE [1-9]/.test(answer)) throw new Error(`${statement}: ${answer}`);
}

/** As if the password of somebody had been given too long ago in each of their sessions; the name is one of our tests'. */
export async function forgetConfirmation(username: string): Promise<void> {
  await run(`update sessions set sudo_until = null from users where users.id = user_id and username = '${username}'`);
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
