/** What pods ask of a node and get: amounts, classes of service, limits, admission. Functions over records but for {@link dev.gantry.agent.resource.NodeCgroups}. */
@org.jspecify.annotations.NullMarked
package dev.gantry.agent.resource;
