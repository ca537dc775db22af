package dev.gantry.agent.cli;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/** Signals sent to this process. */
public final class Signals {
    private Signals() {}

    /**
     * Runs the action each time the signal arrives, on a thread of its own, in place of what the JVM would do.
     *
     * @param name without {@code SIG}, such as {@code INT}
     */
    public static void on(String name, Runnable action) {
        InvocationHandler invocation = (proxy, method, arguments) -> {
            if (method.getName().equals("handle")) {
                action.run();
                return null;
            }
            return method.getName().equals("hashCode")
                    ? (Object) 0
                    : method.getName().equals("equals");
        };
        try {
            // sun.misc.Signal is the JDK's only way to hear of signals; by reflection because the compiler does not
            // accept its name in silence.
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object proxy = Proxy.newProxyInstance(Signals.class.getClassLoader(), new Class<?>[] {handler}, invocation);
            signal.getMethod("handle", signal, handler)
                    .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(
                    "this Java runtime offers no sun.misc.Signal; it lacks module jdk.unsupported", e);
        }
    }
}
