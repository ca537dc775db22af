package dev.gantry.agent.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Follows the pods of one {@code gantry run}: their states, their events and, on one thread per container, their logs.
 *
 * <p>State is guarded by this object's lock.
 */
final class RunFollower {
    private static final long LAST_WORDS_MILLIS = 2_000;
    private static final Pattern PULLING = Pattern.compile("Pulling image \"(.*)\"");

    private final Session session;
    private final RunView view;
    private final boolean timestamps;
    private final Map<String, Json> pods = new LinkedHashMap<>();
    private final Set<String> ready = new HashSet<>();
    private final Set<String> ended = new HashSet<>();
    private final Set<String> gone = new HashSet<>();
    private final Set<String> events = new HashSet<>();
    private final Map<String, LogThread> logs = new HashMap<>();
    private final Map<String, PullFollower> pulls = new HashMap<>();
    private final CountDownLatch finished = new CountDownLatch(1);
    private final CountDownLatch allGone = new CountDownLatch(1);
    private boolean stopping;

    RunFollower(Session session, List<Json> created, RunView view, boolean timestamps) {
        this.session = session;
        this.view = view;
        this.timestamps = timestamps;
        for (Json pod : created) {
            pods.put(pod.text("metadata", "uid"), pod);
        }
    }

    /** Shows everything until all pods have ended, or {@link #stop} was called; returns the exit code. */
    int follow() throws InterruptedException {
        Thread podWatch = daemon("run-pods", () -> watch("/api/v1/pods", this::podChanged));
        Thread eventWatch = daemon("run-events", () -> watch("/api/v1/events", this::event));
        podWatch.start();
        eventWatch.start();
        finished.await();
        if (!isStopping()) {
            showAllEvents();
            awaitLastWords();
        }
        return exitCode();
    }

    /** Pods and events are told on two connections; what is known of the end when it comes on one may still be on its way on the other. */
    private void showAllEvents() {
        try (ApiResponse response = session.client().get("/api/v1/events")) {
            for (Json event : response.json().items("items")) {
                event("ADDED", event);
            }
        } catch (CliException | IOException e) {
            // the agent has gone; the watch tells
        }
    }

    private synchronized boolean isStopping() {
        return stopping;
    }

    /** Logs end with their containers; what is still on its way then gets a moment. */
    private void awaitLastWords() throws InterruptedException {
        List<LogThread> threads;
        synchronized (this) {
            threads = new ArrayList<>(logs.values());
        }
        for (LogThread log : threads) {
            log.join(LAST_WORDS_MILLIS);
        }
    }

    private static Thread daemon(String name, Runnable runnable) {
        Thread thread = new Thread(runnable, name);
        thread.setDaemon(true);
        return thread;
    }

    /** Takes one object of a watch. */
    private interface Taker {
        void take(String type, Json object);
    }

    private void watch(String path, Taker taker) {
        try (ApiResponse response = session.client().get(path + "?watch=1");
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Json event = Json.parse(line);
                taker.take(event.text("type"), PlainText.of(event.at("object")));
            }
            lost("the agent has gone");
        } catch (CliException | IOException e) {
            lost(String.valueOf(e.getMessage()));
        }
    }

    private synchronized void lost(String reason) {
        if (!stopping && finished.getCount() > 0) {
            view.warning("gantry", reason);
        }
        finished.countDown();
        allGone.countDown();
    }

    private synchronized void event(String type, Json event) {
        boolean ours = !type.equals("DELETED") && pods.containsKey(event.text("involvedObject", "uid"));
        if (ours && events.add(event.text("metadata", "name") + " " + event.number("count"))) {
            String pod = event.text("involvedObject", "name");
            String path = event.text("involvedObject", "fieldPath");
            int open = path.indexOf('{');
            String container = open > 0 && path.endsWith("}") ? path.substring(open + 1, path.length() - 1) : "";
            String text =
                    event.text("reason") + (container.isEmpty() ? "" : " " + container) + ": " + event.text("message");
            long count = event.number("count");
            pulls(pod, event.text("reason"), container, event.text("message"));
            if (event.text("type").equals("Warning")) {
                view.warning(pod, text + (count > 1 ? " (x" + count + ")" : ""));
            } else {
                view.news(pod, text);
            }
        }
    }

    /** A pull is followed from its first event to its last. */
    private void pulls(String pod, String reason, String container, String message) {
        String key = pod + "/" + container;
        PullFollower running = reason.equals("Pulling") || reason.equals("Pulled") || reason.equals("Failed")
                ? pulls.remove(key)
                : null;
        if (running != null) {
            running.end();
        }
        Matcher image = PULLING.matcher(message);
        if (reason.equals("Pulling") && image.matches()) {
            PullFollower follower = new PullFollower(session, view, pod, image.group(1));
            pulls.put(key, follower);
            follower.start();
        }
    }

    private synchronized void podChanged(String type, Json pod) {
        String uid = pod.text("metadata", "uid");
        if (!pods.containsKey(uid)) {
            return;
        }
        pods.put(uid, pod);
        String name = pod.text("metadata", "name");
        followLogs(pod, name);
        if (type.equals("DELETED")) {
            gone.add(uid);
            ended.add(uid);
        } else if (isReady(pod) && ready.add(uid)) {
            view.news(name, view.good("pod/" + name + " is ready") + where(pod) + "; Ctrl-C stops it");
        } else if (hasEnded(pod) && ended.add(uid)) {
            tellEnd(name, pod);
        }
        if (ended.size() == pods.size()) {
            finished.countDown();
        }
        if (gone.size() == pods.size()) {
            allGone.countDown();
        }
    }

    private static boolean isReady(Json pod) {
        return pod.at("status")
                .first("conditions", "type", "Ready")
                .orElse(Json.EMPTY)
                .text("status")
                .equals("True");
    }

    private static boolean hasEnded(Json pod) {
        String phase = pod.text("status", "phase");
        return phase.equals("Succeeded") || phase.equals("Failed");
    }

    /** {@code  at 10.88.0.5, port 8080 (host port 8080)}. */
    private static String where(Json pod) {
        StringBuilder text = new StringBuilder();
        String address = pod.text("status", "podIP");
        text.append(address.isEmpty() ? "" : " at " + address);
        for (Json container : pod.items("spec", "containers")) {
            for (Json port : container.items("ports")) {
                text.append(", port ").append(port.text("containerPort"));
                text.append(port.number("hostPort") > 0 ? " (host port " + port.text("hostPort") + ")" : "");
            }
        }
        return text.toString();
    }

    private void tellEnd(String name, Json pod) {
        if (pod.text("status", "phase").equals("Succeeded")) {
            view.news(name, view.good("pod/" + name + " has completed"));
            return;
        }
        String reason = pod.text("status", "reason");
        String message = pod.text("status", "message");
        StringBuilder text = new StringBuilder("pod/" + name + " has failed");
        text.append(reason.isEmpty() ? "" : ": " + reason).append(message.isEmpty() ? "" : ": " + message);
        for (Json status : thatDecide(pod)) {
            Json terminated = status.at("state", "terminated");
            if (terminated.isPresent() && terminated.number("exitCode") != 0) {
                text.append("; container ").append(status.text("name")).append(" ended with exit code ");
                text.append(terminated.text("exitCode"))
                        .append(" (")
                        .append(terminated.text("reason"))
                        .append(')');
            }
        }
        view.warning(name, text.toString());
    }

    /** The containers whose end may be the pod's, in the order in which they run: all but sidecars, which the pod takes along. */
    private static List<Json> thatDecide(Json pod) {
        Set<String> sidecars = pod.items("spec", "initContainers").stream()
                .filter(container -> container.text("restartPolicy").equals("Always"))
                .map(container -> container.text("name"))
                .collect(Collectors.toSet());
        List<Json> statuses = new ArrayList<>();
        for (Json status : pod.items("status", "initContainerStatuses")) {
            if (!sidecars.contains(status.text("name"))) {
                statuses.add(status);
            }
        }
        statuses.addAll(pod.items("status", "containerStatuses"));
        return statuses;
    }

    /** Begins to read the log of each run of a container, once. */
    private void followLogs(Json pod, String name) {
        List<Json> statuses = new ArrayList<>(pod.items("status", "initContainerStatuses"));
        statuses.addAll(pod.items("status", "containerStatuses"));
        for (Json status : statuses) {
            String container = status.text("name");
            boolean started = status.at("state", "running").isPresent()
                    || status.at("state", "terminated").isPresent();
            String id = status.text("containerID");
            if (started && !id.isEmpty()) {
                String key = pod.text("metadata", "uid") + "/" + container;
                LogThread log = logs.get(key);
                if (log == null) {
                    log = new LogThread(pod.text("metadata", "namespace"), name, container);
                    logs.put(key, log);
                    log.start();
                }
                log.run(id);
            }
        }
    }

    /** The exit code of the first container that failed, in the order of the manifest; 1 if a pod failed otherwise. */
    private synchronized int exitCode() {
        for (Json pod : pods.values()) {
            if (pod.text("status", "phase").equals("Failed")) {
                for (Json status : thatDecide(pod)) {
                    long code = status.at("state", "terminated").number("exitCode");
                    if (code != 0) {
                        return (int) code;
                    }
                }
                return 1;
            }
        }
        return 0;
    }

    /** The user wants an end; called again, at once. */
    void stop(boolean atOnce) {
        synchronized (this) {
            stopping = true;
            pulls.values().forEach(PullFollower::end);
            pulls.clear();
        }
        if (atOnce) {
            daemon("run-kill", () -> deleteAll("0")).start();
        }
        finished.countDown();
    }

    /** Deletes the pods and waits until they are gone. */
    void delete() throws InterruptedException {
        List<Json> left;
        synchronized (this) {
            stopping = true;
            left = pods.values().stream()
                    .filter(pod -> !gone.contains(pod.text("metadata", "uid")))
                    .toList();
            for (Json pod : left) {
                if (!hasEnded(pod)) {
                    String grace = pod.text("spec", "terminationGracePeriodSeconds");
                    view.news(
                            pod.text("metadata", "name"),
                            "stopping pod/" + pod.text("metadata", "name")
                                    + (grace.isEmpty() ? "" : ", it has " + grace + " s; Ctrl-C again kills it"));
                }
            }
        }
        if (left.isEmpty()) {
            return;
        }
        deleteAll("");
        allGone.await();
        awaitLastWords();
        view.news("gantry", left.size() == 1 ? "gone" : "all gone");
    }

    private void deleteAll(String grace) {
        List<Json> all;
        synchronized (this) {
            all = new ArrayList<>(pods.values());
        }
        for (Json pod : all) {
            Map<String, String> query = new LinkedHashMap<>();
            query.put("gracePeriodSeconds", grace);
            String path = "/api/v1/namespaces/" + ApiClient.encode(pod.text("metadata", "namespace")) + "/pods/"
                    + ApiClient.encode(pod.text("metadata", "name"));
            try {
                session.client().delete(ApiClient.query(path, query)).close();
            } catch (CliException | IOException e) {
                String message = String.valueOf(e.getMessage());
                if (!message.contains("(NotFound)")) {
                    view.warning(pod.text("metadata", "name"), message);
                }
            }
        }
    }

    /** Reads the logs of one container's runs, one after the other. */
    private final class LogThread extends Thread {
        private final String namespace;
        private final String pod;
        private final String container;
        private final Set<String> seen = new HashSet<>();
        private int waiting;

        LogThread(String namespace, String pod, String container) {
            super("run-log-" + container);
            setDaemon(true);
            this.namespace = namespace;
            this.pod = pod;
            this.container = container;
        }

        /** There is this run. */
        void run(String id) {
            synchronized (seen) {
                if (seen.add(id)) {
                    waiting++;
                    seen.notifyAll();
                }
            }
        }

        @Override
        public void run() {
            try {
                while (true) {
                    synchronized (seen) {
                        while (waiting == 0) {
                            if (finished.getCount() == 0) {
                                return;
                            }
                            seen.wait(200);
                        }
                        waiting = 0;
                    }
                    copy();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private void copy() {
            Map<String, String> query = new LinkedHashMap<>();
            query.put("container", container);
            query.put("follow", "true");
            query.put("timestamps", timestamps ? "true" : "");
            String path =
                    "/api/v1/namespaces/" + ApiClient.encode(namespace) + "/pods/" + ApiClient.encode(pod) + "/log";
            try {
                LogsCommand.copy(session, ApiClient.query(path, query), view.output(pod, container));
            } catch (CliException e) {
                String message = String.valueOf(e.getMessage());
                if (!message.isEmpty() && !message.contains("(NotFound)")) {
                    view.warning(pod, "log of " + container + ": " + message);
                }
            } catch (IOException e) {
                // the pod or the agent has gone; the watch tells
            }
        }
    }
}
