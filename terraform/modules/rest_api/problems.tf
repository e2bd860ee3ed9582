# The gateway's own answers as problem documents (RFC 9457), in the shape that the functions use.
# DEFAULT_5XX is what a function that failed or answered nonsense becomes, hence 502.

locals {
  problems = {
    ACCESS_DENIED                  = { status = 403, title = "Forbidden", detail = "The token does not have the scope that this call needs." }
    API_CONFIGURATION_ERROR        = { status = 500, title = "Internal Server Error", detail = "The service is set up wrongly. Try again later." }
    AUTHORIZER_CONFIGURATION_ERROR = { status = 500, title = "Internal Server Error", detail = "The service is set up wrongly. Try again later." }
    AUTHORIZER_FAILURE             = { status = 500, title = "Internal Server Error", detail = "The token could not be checked. Try again later." }
    BAD_REQUEST_BODY               = { status = 400, title = "Bad Request", detail = "The body is not what this call takes.", field = "body" }
    BAD_REQUEST_PARAMETERS         = { status = 400, title = "Bad Request", detail = "A parameter is missing or not what this call takes.", field = "parameters" }
    DEFAULT_4XX                    = { status = 400, title = "Bad Request", detail = "The request was refused." }
    DEFAULT_5XX                    = { status = 502, title = "Bad Gateway", detail = "The service did not answer as it should. Try again." }
    EXPIRED_TOKEN                  = { status = 403, title = "Forbidden", detail = "The credentials have expired." }
    INTEGRATION_FAILURE            = { status = 502, title = "Bad Gateway", detail = "The service did not answer as it should. Try again." }
    INTEGRATION_TIMEOUT            = { status = 504, title = "Gateway Timeout", detail = "The service did not answer in time. Try again." }
    INVALID_API_KEY                = { status = 403, title = "Forbidden", detail = "This call needs a valid API key in the header X-API-Key." }
    INVALID_SIGNATURE              = { status = 403, title = "Forbidden", detail = "The signature of the request is not valid." }
    MISSING_AUTHENTICATION_TOKEN   = { status = 404, title = "Not Found", detail = "There is nothing at this path, or it does not know this method." }
    QUOTA_EXCEEDED                 = { status = 429, title = "Too Many Requests", detail = "The quota is used up. Try again later.", retry_after = 3600 }
    REQUEST_TOO_LARGE              = { status = 413, title = "Content Too Large", detail = "The body is larger than this call takes." }
    RESOURCE_NOT_FOUND             = { status = 404, title = "Not Found", detail = "There is nothing at this path." }
    THROTTLED                      = { status = 429, title = "Too Many Requests", detail = "Too many requests at once. Try again shortly.", retry_after = 1 }
    UNAUTHORIZED                   = { status = 401, title = "Unauthorized", detail = "This call needs a valid bearer token in the header Authorization.", challenge = "Bearer" }
    UNSUPPORTED_MEDIA_TYPE         = { status = 415, title = "Unsupported Media Type", detail = "The body must be application/json." }
    WAF_FILTERED                   = { status = 403, title = "Forbidden", detail = "The request was refused." }
  }

  problem_headers = {
    for type, problem in local.problems : type => merge(
      local.cors_headers,
      { Content-Type = "application/problem+json", Cache-Control = "no-store" },
      can(problem.retry_after) ? { Retry-After = tostring(problem.retry_after) } : {},
      can(problem.challenge) ? { WWW-Authenticate = problem.challenge } : {},
    )
  }

  problem_documents = {
    for type, problem in local.problems : type => jsonencode(merge(
      {
        type     = "about:blank"
        title    = problem.title
        status   = problem.status
        detail   = problem.detail
        instance = "urn:uuid:$context.requestId"
      },
      can(problem.field) ? { errors = [{ field = problem.field, reason = "$context.error.validationErrorString" }] } : {},
    ))
  }
}

resource "aws_api_gateway_gateway_response" "problem" {
  for_each = local.problems

  rest_api_id         = aws_api_gateway_rest_api.this.id
  response_type       = each.key
  status_code         = tostring(each.value.status)
  response_parameters = { for name, value in local.problem_headers[each.key] : "gatewayresponse.header.${name}" => "'${value}'" }
  response_templates  = { "application/json" = local.problem_documents[each.key] }
}
