package dev.gantry.agent.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** The streams of a process in a container: a WebSocket in the sub-protocol v5.channel.k8s.io, joined to the console. */
final class StreamSession {
    static final String PROTOCOL = "v5.channel.k8s.io";

    private static final int STDIN = 0;
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    private static final int ERROR = 3;
    private static final int RESIZE = 4;
    private static final int CLOSE = 255;

    private StreamSession() {}

    /**
     * Talks until the process has ended.
     *
     * @return its exit code
     */
    static int run(WebSocket socket, Console console, boolean stdin, boolean tty) throws CliException, IOException {
        if (!tty) {
            return talk(socket, console, stdin);
        }
        try (RawTerminal terminal = RawTerminal.open()) {
            Runnable resize = () -> sendSize(socket, terminal);
            Signals.on("WINCH", resize);
            resize.run();
            return talk(socket, console, stdin);
        }
    }

    /** Whether the process is to have a terminal: there is none to pass on if standard input is no terminal. */
    static boolean tty(boolean wanted, Console console) {
        if (wanted && !console.inIsTerminal()) {
            console.err().println("standard input is no terminal; going on without -t");
            return false;
        }
        return wanted;
    }

    private static void sendSize(WebSocket socket, RawTerminal terminal) {
        terminal.size().ifPresent(size -> {
            byte[] message = ("{\"Width\":" + size.columns() + ",\"Height\":" + size.rows() + "}")
                    .getBytes(StandardCharsets.US_ASCII);
            try {
                socket.send(RESIZE, message, message.length);
            } catch (IOException e) {
                // the command has ended; reading says so
            }
        });
    }

    private static int talk(WebSocket socket, Console console, boolean stdin) throws CliException, IOException {
        if (stdin) {
            Thread sender = new Thread(() -> send(socket, console.in()), "exec-stdin");
            sender.setDaemon(true);
            sender.start();
        }
        while (true) {
            byte[] message = socket.receive();
            if (message.length == 0) {
                throw new CliException("the agent closed the connection before the command had ended");
            }
            switch (message[0]) {
                case STDOUT -> {
                    console.out().write(message, 1, message.length - 1);
                    console.requireOut();
                }
                case STDERR -> {
                    console.err().write(message, 1, message.length - 1);
                    console.err().flush();
                }
                case ERROR -> {
                    return exitCode(new String(message, 1, message.length - 1, StandardCharsets.UTF_8));
                }
                default -> {
                    // the end of a stream, or a channel of a later protocol
                }
            }
        }
    }

    private static void send(WebSocket socket, InputStream in) {
        byte[] buffer = new byte[32 * 1024];
        try {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                socket.send(STDIN, buffer, count);
            }
            socket.send(CLOSE, new byte[] {STDIN}, 1);
        } catch (IOException e) {
            // the command has ended; reading says so
        }
    }

    private static int exitCode(String text) throws CliException, IOException {
        Json status = Json.parse(text);
        if (status.text("status").equals("Success")) {
            return 0;
        }
        for (Json cause : status.items("details", "causes")) {
            if (cause.text("reason").equals("ExitCode")) {
                return Integer.parseInt(cause.text("message"));
            }
        }
        throw CliException.fromServer((int) status.number("code"), status.text("reason"), status.text("message"));
    }
}
