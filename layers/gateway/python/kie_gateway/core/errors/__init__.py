"""
What can go wrong, one class for each thing a caller or an operator can react to.

GatewayError
|- CallerError                 the caller can mend it; `web/problems.py` maps each class to a status
|  |- InvalidRequestError      names the fields that are wrong
|  |- UnauthorizedError        no key, or one that is not valid
|  |- ForbiddenError           a key that may not do this
|  |- LimitError
|  |  |- TooManyRequestsError  more than the caller may send in a minute
|  |  '- TooManyTasksError     more than the owner may have open
|  |- InsufficientCreditsError less than the task takes
|  |- BudgetExceededError      more than the owner may spend in a month
|  |- CreationsStoppedError    no new tasks for now, by an admin's word
|  |- TaskNotFoundError        also another owner's task
|  |- ModelNotFoundError
|  |- KeyNotFoundError
|  |- OutputNotFoundError
|  |- OutputDeletedError
|  |- IdempotencyMismatchError
|  |- TaskSettledError         too late to cancel
|  '- TaskNotFailedError       nothing to retry
|- WebhookRefusedError         a delivery that is not Kie's; the sender learns no detail
|- ProviderError               what Kie.ai or the way to it did
|  |- ProviderBusyError        certainly refused for now, asking again is right
|  |- ProviderRejectedError    certainly refused for good, keeps Kie's code and words
|  |  |- ProviderAuthError     the key is wrong
|  |  |- ProviderInputError    the input is wrong, or its content is not allowed
|  |  '- ProviderNoCreditsError  the account's balance is too low
|  |- ProviderUnreachableError nothing was sent
|  |- SubmissionUnknownError   the creation may have been accepted: never send it again
|  '- ProviderContractError    an answer that was not understood
|- StorageError                a result could not be copied into the bucket
|  |- SourceError
|  |  |- SourceForbiddenError  the link leads where we must not go
|  |  |  '- HostNotListedError
|  |  |- SourceGoneError       the link has expired (403, 404, 410)
|  |  |- SourceUnavailableError  the file host did not answer well; asking again is right
|  |  '- SourceBrokenError     empty or cut short
|  |     |- SourceTooLargeError  larger than allowed
|  |     '- SourcePageError    a page, or an error in the shape of one
|  |- KeyTakenError            something else lies in the bucket by now
|  '- LeaseLostError           another copy has taken over
|- IssuerUnavailableError      the issuer of a token does not hand out its keys
|- BackendUnavailableError      the table, a queue or the machine did not answer
|  |- RecordRefusedError       the table will never take this write
|  '- RecordGoneError          the task was withdrawn meanwhile, as if it had never been created
|- TaskStalledError            no verdict by the deadline: fails the execution for a person to see
'- ConfigurationError          a setting is missing or wrong
"""
