package dev.gantry.agent.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/** {@code gantry debug}: an ephemeral container, as {@code kubectl debug} adds it. */
final class DebugCommand implements Command {
    /** Those that kubectl takes: no vowels, so that no words come out. */
    private static final String LETTERS = "bcdfghjklmnpqrstvwxz2456789";

    private static final CommandSpec SPEC = new CommandSpec(
            "debug",
            "POD --image IMAGE [-- COMMAND [ARGUMENT...]]",
            Commands.summary("debug"),
            "Add an ephemeral container to a pod that runs, with an image of your choice. It runs once, shares the pod's network, and with --target sees the processes of a container. It stays in the pod's status until the pod is gone.",
            List.of(
                    new CommandSpec.Example(
                            "A shell beside a container, which sees its processes",
                            "gantry debug -it web --image busybox --target app -- sh"),
                    new CommandSpec.Example(
                            "Run a command once, and read what it wrote",
                            "gantry debug web --image busybox -c look -- nslookup db && gantry logs web -c look")),
            List.of(
                    CommandSpec.NAMESPACE,
                    Option.value("image", "IMAGE", "The image to run."),
                    Option.value("target", "NAME", "The container whose processes it sees."),
                    Option.value("container", 'c', "NAME", "What to call it; default: debugger- and five letters."),
                    Option.value(
                            "image-pull-policy",
                            "POLICY",
                            "Always, IfNotPresent or Never; default: by the image's tag."),
                    Option.flag("stdin", 'i', "Stay with it, and pass standard input on."),
                    Option.flag("tty", 't', "Give it a terminal.")),
            true);

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException, CliException, IOException {
        String pod = arguments.operand("the pod's name");
        pod = pod.substring(pod.indexOf('/') + 1);
        if (arguments.value("image").isEmpty()) {
            throw new UsageException("the image is missing: gantry debug " + pod + " --image IMAGE");
        }
        Console console = session.console();
        boolean stdin = arguments.flag("stdin");
        boolean tty = StreamSession.tty(arguments.flag("tty"), console);
        String name = arguments.value("container");
        if (name.isEmpty()) {
            name = "debugger-" + suffix();
            console.err().println("Defaulting debug container name to " + name + ".");
        }
        String pods = "/api/v1/namespaces/" + ApiClient.encode(arguments.value("namespace", "default")) + "/pods";
        String base = pods + "/" + ApiClient.encode(pod);
        try (ApiResponse response = session.client()
                .patch(
                        base + "/ephemeralcontainers",
                        "application/strategic-merge-patch+json",
                        patch(name, arguments, stdin, tty))) {
            response.json();
        }
        if (!stdin) {
            return 0;
        }
        if (!awaitRunning(session, pods, pod, name)) {
            LogsCommand.copy(
                    session, ApiClient.query(base + "/log", Map.of("container", name)), new LineOutput(console, ""));
            return 1;
        }
        if (tty) {
            console.err().println("If you don't see a command prompt, try pressing enter.");
        }
        Map<String, String> query = new LinkedHashMap<>();
        query.put("container", name);
        query.put("stdin", "true");
        query.put("stdout", "true");
        query.put("stderr", tty ? "" : "true");
        query.put("tty", tty ? "true" : "");
        try (WebSocket socket =
                WebSocket.open(session.client(), ApiClient.query(base + "/attach", query), StreamSession.PROTOCOL)) {
            return StreamSession.run(socket, console, true, tty);
        }
    }

    private static String suffix() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 5; i++) {
            text.append(LETTERS.charAt(ThreadLocalRandom.current().nextInt(LETTERS.length())));
        }
        return text.toString();
    }

    private static byte[] patch(String name, Arguments arguments, boolean stdin, boolean tty) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = new JsonFactory().createGenerator(out)) {
            json.writeStartObject();
            json.writeObjectFieldStart("spec");
            json.writeArrayFieldStart("ephemeralContainers");
            json.writeStartObject();
            json.writeStringField("name", name);
            json.writeStringField("image", arguments.value("image"));
            text(json, "targetContainerName", arguments.value("target"));
            text(json, "imagePullPolicy", arguments.value("image-pull-policy"));
            if (!arguments.rest().isEmpty()) {
                json.writeArrayFieldStart("command");
                for (String word : arguments.rest()) {
                    json.writeString(word);
                }
                json.writeEndArray();
            }
            json.writeBooleanField("stdin", stdin);
            json.writeBooleanField("tty", tty);
            json.writeEndObject();
            json.writeEndArray();
            json.writeEndObject();
            json.writeEndObject();
        }
        return out.toByteArray();
    }

    private static void text(JsonGenerator json, String field, String value) throws IOException {
        if (!value.isEmpty()) {
            json.writeStringField(field, value);
        }
    }

    /** Watches until the container runs; false if it has ended by then. Says what it waits for. */
    private static boolean awaitRunning(Session session, String pods, String pod, String name)
            throws CliException, IOException {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("fieldSelector", "metadata.name=" + pod);
        query.put("watch", "1");
        String said = "";
        try (ApiResponse watch = session.client().get(ApiClient.query(pods, query));
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(watch.body(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Json event = Json.parse(line);
                if (event.text("type").equals("DELETED")) {
                    throw new CliException("pod \"" + pod + "\" is gone");
                }
                for (Json status : event.at("object").items("status", "ephemeralContainerStatuses")) {
                    if (!status.text("name").equals(name)) {
                        continue;
                    }
                    if (!status.text("state", "running", "startedAt").isEmpty()) {
                        return true;
                    }
                    if (!status.text("state", "terminated", "containerID").isEmpty()) {
                        return false;
                    }
                    String reason = status.text("state", "waiting", "reason");
                    String message = status.text("state", "waiting", "message");
                    String now = PlainText.of(
                            "container " + name + ": " + reason + (message.isEmpty() ? "" : ": " + message));
                    if (!message.isEmpty() && !now.equals(said)) {
                        said = now;
                        session.console().err().println(now);
                    }
                }
            }
        }
        throw new CliException("the agent went away while container " + name + " was being started");
    }
}
